"""Which arithmetic a run uses."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from visionseek.errors import InputError


def has_fast_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 in hardware (AMX or AVX-512 BF16).

    Without it PyTorch emulates: the same run is ten times slower than in float32.
    """
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def mixed_precision(device: torch.device | str = "cpu") -> AbstractContextManager[object]:
    """Bfloat16 autocast on a GPU, and on a CPU that has it in hardware; float32 elsewhere."""
    kind = torch.device(device).type
    if kind == "cpu" and not has_fast_bfloat16():
        return nullcontext()
    return torch.autocast(kind, dtype=torch.bfloat16)


def require_device(device: str) -> None:
    """Check that a device is there.

    Raises:
        InputError: it is not, or is none that is known.
    """
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"no device {device!r} here: {str(error).splitlines()[0]}", mend="--device cpu"
        ) from error
