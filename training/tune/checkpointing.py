"""Gradient checkpointing: compute the activations of a block again rather than keep them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from training.jina_clip.vision import VisionTower


def checkpoint_blocks(tower: VisionTower) -> None:
    """Make every block of `tower` keep its input only (Chen et al. 2016); outputs do not change.

    A step of LoRA does half as much work again, since frozen weights need no gradient; its memory for
    activations is that of one block and the inputs of all.
    """
    for block in tower.blocks:
        block.forward = _recomputed(block.forward)


def _recomputed(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def run(*inputs: Any) -> Tensor:
        if not torch.is_grad_enabled():
            return forward(*inputs)
        # Blocks draw no random numbers: patches are dropped before the first.
        result: Tensor = checkpoint(forward, *inputs, use_reentrant=False, preserve_rng_state=False)
        return result

    return run
