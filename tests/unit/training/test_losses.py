import math

import pytest
import torch
from torch.nn import functional

from training.losses import SubCentreArcFace, cross_batch, image_text, keep, multi_positive


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


def test_arcface_equals_its_formula_written_out() -> None:
    torch.manual_seed(2)
    rows, labels = functional.normalize(torch.randn(5, 4), dim=-1), torch.tensor([0, 1, 2, 2, 0])
    loss = SubCentreArcFace(torch.randn(3, 2, 4), margin=0.4, scale=10.0)
    centres = functional.normalize(loss.centres.detach(), dim=-1)
    total = 0.0
    for row, label in zip(rows, labels.tolist(), strict=True):
        best = [max(float(row @ centre) for centre in centres[number]) for number in range(3)]
        angle = math.acos(best[label]) + 0.4
        best[label] = math.cos(angle) if angle < math.pi else best[label] - 0.4 * math.sin(0.4)
        exponents = [math.exp(10.0 * cosine) for cosine in best]
        total -= math.log(exponents[label] / sum(exponents))
    assert loss(rows, labels).item() == pytest.approx(total / 5, rel=1e-4)


def test_arcface_moves_centres_and_embeddings_even_where_they_meet() -> None:
    rows = torch.eye(3).requires_grad_()
    loss = SubCentreArcFace(torch.eye(3)[:, None], margin=0.5, scale=30.0)
    loss(rows, torch.arange(3)).backward()
    for gradient in (rows.grad, loss.centres.grad):
        assert gradient is not None
        assert bool(gradient.isfinite().all())


def test_a_memory_that_is_the_batch_gives_the_contrast_with_itself_included() -> None:
    torch.manual_seed(0)
    rows, labels = functional.normalize(torch.randn(4, 3), dim=-1), torch.tensor([0, 0, 1, 2])
    logits = (rows @ rows.T / 0.1).log_softmax(1)
    expected = -((logits[0, :2].mean() + logits[1, :2].mean() + logits[2, 2] + logits[3, 3]) / 4)
    torch.testing.assert_close(cross_batch(rows, labels, rows, labels, 0.1), expected)


def test_rows_without_a_positive_in_the_memory_do_not_count() -> None:
    rows, memory = torch.eye(3).requires_grad_(), torch.eye(3)
    assert cross_batch(rows, torch.tensor([7, 8, 9]), memory, torch.arange(3), 0.1).item() == 0
    one = cross_batch(rows, torch.tensor([0, 8, 9]), memory, torch.arange(3), 0.1)
    torch.testing.assert_close(one, -(memory[0] / 0.1).log_softmax(0)[0])
    cross_batch(rows, torch.tensor([7, 8, 9]), memory[:0], torch.arange(0), 0.1).backward()  # type: ignore[no-untyped-call]


def test_keep_is_nought_where_nothing_moved() -> None:
    assert float(keep(torch.eye(3), torch.eye(3))) == pytest.approx(0)
    assert float(keep(torch.eye(3), -torch.eye(3))) == pytest.approx(2)
