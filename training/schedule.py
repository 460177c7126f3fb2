"""How the learning rate moves."""

from __future__ import annotations

import math


def cosine_with_warmup(step: int, *, steps: int, warmup: int, floor: float = 0.01) -> float:
    """Factor on the peak rate: linear from 0 over `warmup` steps, then half a cosine down to `floor`.

    (Loshchilov and Hutter 2017, SGDR, without restarts.)
    """
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))
