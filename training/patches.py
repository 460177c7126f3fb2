"""Which patches of a picture a training step looks at: fewer than all, and those with something to see.

Most of a jeweller's picture is empty: in rendered studio pictures two of three patches are plain background.
Looking at a third of the patches costs a third, so that a run sees full detail for the price of small pictures.
Li et al. 2023 (FLIP) drop patches at random; here the busy ones are kept more often.
"""

from __future__ import annotations

import torch
from torch import Tensor

# Added to the standard deviation, so that an empty patch is looked at sometimes too.
_FLOOR = 0.005


def busy_patches(pictures: Tensor, patch: int, count: int) -> Tensor | None:
    """Draw `count` patches of each picture without repetition, in proportion to how much their pixels differ.

    Weight of a patch: standard deviation of its grey values. Drawn by the Gumbel-top-k trick (Kool et al. 2019,
    section 2.3), with torch's global random numbers as dropout does, so that a seed before the call decides.

    Args:
        pictures: [B, 3, H, W] in 0..1.
        patch: side of a patch in pixels; what lies beyond the last whole one is not counted.
        count: patches of each; 0: all.

    Returns:
        int64 [B, count], numbers of patches in reading order; None where that is all of them.
    """
    rows, columns = pictures.shape[2] // patch, pictures.shape[3] // patch
    if not count or count >= rows * columns:
        return None
    grey = pictures[:, :, : rows * patch, : columns * patch].mean(1).contiguous()
    cut = grey.view(-1, rows, patch, columns, patch)
    weights = cut.std(dim=(2, 4)).flatten(1) + _FLOOR
    gumbel = -torch.empty_like(weights).exponential_().log()
    return (weights.log() + gumbel).topk(count, dim=1).indices
