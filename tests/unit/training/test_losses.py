import pytest
import torch
from torch.nn import functional

from training.losses import image_text, multi_positive


def test_multi_positive_equals_its_formula_written_out() -> None:
    torch.manual_seed(0)
    rows, labels, t = functional.normalize(torch.randn(6, 5), dim=-1), torch.tensor([0, 0, 0, 1, 1, 2]), 0.2
    total, counted = torch.zeros(()), 0
    for i in range(6):
        positives = [j for j in range(6) if j != i and labels[j] == labels[i]]
        if not positives:
            continue
        denominator = sum(torch.exp(rows[i] @ rows[j] / t) for j in range(6) if j != i)
        each = [torch.log(torch.exp(rows[i] @ rows[j] / t) / denominator) for j in positives]
        total = total - torch.stack(each).mean()
        counted += 1
    torch.testing.assert_close(multi_positive(rows, labels, t), total / counted)


def test_multi_positive_falls_when_a_products_pictures_agree() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    apart = functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(1)), dim=-1)
    together = torch.eye(8)[[0, 0, 1, 1]]
    assert multi_positive(together, labels, 0.1) < multi_positive(apart, labels, 0.1)


def test_multi_positive_without_positives_says_so() -> None:
    with pytest.raises(ValueError, match="no picture"):
        multi_positive(torch.eye(3), torch.arange(3), 0.1)


def test_gradients_are_finite() -> None:
    rows = functional.normalize(torch.randn(4, 8), dim=-1).requires_grad_()
    multi_positive(rows, torch.tensor([0, 0, 1, 1]), 0.05).backward()  # type: ignore[no-untyped-call]
    assert rows.grad is not None
    assert bool(rows.grad.isfinite().all())


def test_image_text_is_clips_loss_when_every_row_is_its_own_product() -> None:
    torch.manual_seed(0)
    images, texts = (functional.normalize(torch.randn(5, 4), dim=-1) for _ in range(2))
    logits = images @ texts.T / 0.1
    target = torch.arange(5)
    expected = (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(image_text(images, texts, target, 0.1), expected)


def test_two_pictures_of_one_product_do_not_compete_for_its_text() -> None:
    images = torch.eye(4)[[0, 0, 1]]
    labels = torch.tensor([0, 0, 1])
    assert float(image_text(images, images, labels, 0.01)) == pytest.approx(2 / 3 * 0.693147, abs=1e-3)
