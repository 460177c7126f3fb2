"""Which arithmetic a run uses."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AMX or AVX-512 BF16).

    Without it PyTorch emulates: the same run is ten times slower than in float32.
    """
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def mixed_precision() -> AbstractContextManager[object]:
    """Bfloat16 autocast where the CPU has it in hardware, float32 elsewhere."""
    return torch.autocast("cpu", dtype=torch.bfloat16) if has_fast_bfloat16() else nullcontext()
