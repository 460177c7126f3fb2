"""How the learning rate and the size of the pictures move."""

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


def grown_size(step: int, *, steps: int, growing_share: float, first: int, last: int, patch: int) -> int:
    """Side of the pictures at a step, a multiple of `patch`: `first`, and over the last steps up to `last`.

    Small pictures first: a small part of the work, and the tower takes any size (Tan and Le 2021, progressive
    learning; Touvron et al. 2019 on why the last steps should have the final size).

    Args:
        step: counted from 0.
        steps: of the run.
        growing_share: of the steps, the last ones, in which pictures grow.
        first: side in pixels at first.
        last: side in pixels at the end.
        patch: side of a patch in pixels.
    """
    grown = _grown(step, steps=steps, growing_share=growing_share, first=first, last=last)
    return max(patch, math.floor(grown / patch) * patch)


def grown_patches(step: int, *, steps: int, growing_share: float, first: int, last: int) -> int:
    """How many patches of a picture a step looks at: `first`, and over the last steps up to all `last`.

    A tower that saw a part only must see whole pictures before it is used (Li et al. 2023, FLIP, section 3.1,
    unmasked tuning).

    Args:
        step: counted from 0.
        steps: of the run.
        growing_share: of the steps, the last ones, in which the number grows.
        first: patches at first; 0: all along.
        last: patches of the picture of this step.
    """
    if not first or first >= last:
        return last
    return math.floor(_grown(step, steps=steps, growing_share=growing_share, first=first, last=last))


def _grown(step: int, *, steps: int, growing_share: float, first: int, last: int) -> float:
    growing = steps * growing_share
    progress = 0.0 if not growing else (step + 1 - (steps - growing)) / growing
    return first + (last - first) * min(1.0, max(0.0, progress))
