"""Rotary position embedding: tables are computed in plain code, never stored in a checkpoint."""

from __future__ import annotations

import torch
from torch import Tensor

_BASE = 10_000.0


def image_table(rows: int, columns: int, head_width: int, length: int) -> tuple[Tensor, Tensor]:
    """Return cos and signed sin of EVA-02's 2-D rotary embedding, CLS first.

    The first half of a head turns by the patch's row, the second half by its column; each angle holds for two
    adjacent channels: `angle_j = t * 10000^(-2j/d)`, d = head_width / 2, t = position / grid * length (Su et
    al. 2021; Fang et al. 2023, EVA-02). The row of CLS is the identity, so that it needs no case of its own.

    Args:
        rows: patches down.
        columns: patches across.
        head_width: channels of a head.
        length: `pt_hw_seq_len`, the grid that positions are counted in.

    Returns:
        Two float32 tensors [1 + rows * columns, head_width]; the sine is negative in even channels, so that a
        turn is `x * cos + swapped(x) * sin`.
    """
    half = head_width // 2
    frequencies = _BASE ** (-torch.arange(0, half, 2, dtype=torch.float32) / half)
    down = _positions(rows, length)[:, None] * frequencies
    across = _positions(columns, length)[:, None] * frequencies
    angles = torch.cat(
        [
            down[:, None, :].expand(rows, columns, -1),
            across[None, :, :].expand(rows, columns, -1),
        ],
        dim=-1,
    ).reshape(rows * columns, half)
    angles = torch.cat([torch.zeros(1, half), angles]).repeat_interleave(2, dim=-1)
    sign = torch.tensor([-1.0, 1.0]).repeat(half)
    return angles.cos(), angles.sin() * sign


def _positions(count: int, length: int) -> Tensor:
    steps = torch.arange(count, dtype=torch.float32)
    return steps if count == length else steps / count * length


def turn_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn adjacent channel pairs of x [..., N, width] by a table of `image_table`, repeated for every head.

    Heads lie side by side in `width`, so that x and table are read in one straight line. Stacking the halves
    of the pairs takes half as long as flipping the pairs.
    """
    even, odd = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
    swapped = torch.stack((odd, even), dim=-1).flatten(-2)
    return torch.addcmul(x * cos.to(x.dtype), swapped, sin.to(x.dtype))


def text_table(length: int, head_width: int, base: float, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cos and signed sin [length, head_width] for `turn_halves`, positions from 0."""
    frequencies = base ** (-torch.arange(0, head_width, 2, dtype=torch.float32, device=device) / head_width)
    angles = torch.arange(length, dtype=torch.float32, device=device)[:, None] * frequencies
    return torch.cat([angles.cos()] * 2, dim=-1), torch.cat([-angles.sin(), angles.sin()], dim=-1)


def turn_halves(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn channel j of x [..., N, head_width] with channel j + head_width / 2, as GPT-NeoX pairs them."""
    first, second = x.chunk(2, dim=-1)
    return x * cos.to(x.dtype) + torch.cat([second, first], dim=-1) * sin.to(x.dtype)
