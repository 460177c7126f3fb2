"""Which patches a step looks at, and that a tower that looks at all of them says the same as ever."""

import torch

from training.jina_clip import MINI, JinaCLIP
from training.patches import busy_patches
from training.schedule import grown_patches


def half_empty(count: int = 3) -> torch.Tensor:
    """Pictures [count, 3, 64, 64] that are white but for noise in the upper half."""
    pictures = torch.ones(count, 3, 64, 64)
    pictures[:, :, :32] = torch.rand(count, 3, 32, 64, generator=torch.Generator().manual_seed(0))
    return pictures


def test_busy_patches_come_before_empty_ones() -> None:
    torch.manual_seed(0)
    drawn = [busy_patches(half_empty(), 16, 8) for _ in range(50)]
    upper = torch.stack([patches for patches in drawn if patches is not None]) < 8
    assert 0.8 < upper.float().mean() < 1  # empty ones now and then too


def test_no_patch_twice_and_a_seed_decides() -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(5)
        drawn.append(busy_patches(half_empty(), 16, 10))
    first, second = drawn
    assert first is not None
    assert second is not None
    assert torch.equal(first, second)
    assert all(len(set(row.tolist())) == 10 for row in first)
    assert int(first.max()) < 16


def test_pixels_beyond_the_last_whole_patch_do_not_count() -> None:
    patches = busy_patches(torch.rand(2, 3, 40, 70), 16, 7)
    assert patches is not None
    assert int(patches.max()) < 2 * 4


def test_all_of_them_is_no_choice() -> None:
    assert busy_patches(half_empty(), 16, 0) is None
    assert busy_patches(half_empty(), 16, 16) is None


def test_a_tower_that_looks_at_all_patches_in_any_order_says_the_same() -> None:
    tower = JinaCLIP.from_config(MINI, seed=0).vision_model.eval()
    pixels = torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(36, generator=torch.Generator().manual_seed(2)).expand(2, -1)
    torch.testing.assert_close(tower(pixels, order), tower(pixels), rtol=0, atol=1e-5)
    assert not torch.allclose(tower(pixels, order[:, :12]), tower(pixels), atol=1e-3)


def test_patches_that_are_not_looked_at_do_not_matter() -> None:
    tower = JinaCLIP.from_config(MINI, seed=0).vision_model.train()
    pixels = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    other = pixels.clone()
    other[:, :, 48:] = 7.0
    upper = torch.arange(18)[None]
    assert torch.equal(tower(pixels, upper), tower(other, upper))


def test_the_number_of_patches_grows_to_all_at_the_end() -> None:
    counts = [grown_patches(step, steps=100, growing_share=0.2, first=64, last=196) for step in range(100)]
    assert counts[:80] == [64] * 80
    assert counts == sorted(counts)
    assert counts[-1] == 196


def test_a_picture_with_fewer_patches_is_looked_at_whole() -> None:
    for first in (0, 36, 64):
        assert grown_patches(3, steps=10, growing_share=0.0, first=first, last=36) == 36
