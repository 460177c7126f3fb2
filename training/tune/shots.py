"""Simulated screenshots of catalog pictures, cut to the product as a shopper would draw the box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.pretrain.pictures import PictureSet, Source
from training.screenshots import simulate
from visionseek.errors import InputError
from visionseek.pixels import Rule, open_image, square
from visionseek.vocabulary import Region


def shot_pixels(
    sources: Sequence[Source],
    *,
    each: int,
    size: int,
    rule: Rule,
    seed: int,
    on_shot: Callable[[], None] = lambda: None,
) -> tuple[npt.NDArray[np.uint8], list[Source]]:
    """Squares [N * each, size, size, 3] cut out of screenshots, and the source of each row.

    Row i depends on its source, its number and `seed` only. Unreadable pictures are left out.
    """
    rows: list[npt.NDArray[np.uint8]] = []
    origins: list[Source] = []
    for number, source in enumerate(sources):
        for turn in range(each):
            on_shot()
            rng = np.random.default_rng((seed, number, turn))
            try:
                shot = simulate(open_image(source.path), seed=int(rng.integers(2**31)))
            except (InputError, OSError):
                continue
            cut = shot.image.crop(loose_box(shot.product.region, shot.image, rng))
            rows.append(square(cut, size, rule))
            origins.append(source)
    return (np.stack(rows) if rows else np.empty((0, size, size, 3), np.uint8)), origins


def shot_set(
    sources: Sequence[Source],
    numbered: PictureSet,
    *,
    each: int,
    size: int,
    rule: Rule,
    seed: int,
    on_shot: Callable[[], None] = lambda: None,
) -> PictureSet:
    """`shot_pixels` as a set whose products are numbered as in `numbered`.

    Raises:
        InputError: not one screenshot could be made.
    """
    pixels, origins = shot_pixels(sources, each=each, size=size, rule=rule, seed=seed, on_shot=on_shot)
    if not origins:
        raise InputError(f"none of {len(sources)} pictures gave a screenshot")
    numbers = {name: number for number, name in enumerate(numbered.products)}
    labels = np.array([numbers[source.product] for source in origins], dtype=np.int64)
    return replace(numbered, pixels=pixels, labels=labels, skipped=())


def loose_box(
    region: Region, screenshot: Image.Image, rng: np.random.Generator, slack: float = 0.08
) -> tuple[int, int, int, int]:
    """Pixel box around `region`, each edge off by up to `slack` of the box, as hand-drawn boxes are."""
    width, height = screenshot.size
    wide, high = region.right - region.left, region.bottom - region.top
    off = rng.uniform(-slack, slack, 4)
    left = int(max(0.0, region.left + off[0] * wide) * width)
    top = int(max(0.0, region.top + off[1] * high) * height)
    right = round(min(1.0, region.right + off[2] * wide) * width)
    bottom = round(min(1.0, region.bottom + off[3] * high) * height)
    return left, top, max(left + 1, right), max(top + 1, bottom)
