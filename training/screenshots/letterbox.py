"""The screen between bars, as another device or app shows it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.screenshots.box import Box
from training.screenshots.transform import move_box

_BARS = ((0, 0, 0), (0, 0, 0), (255, 255, 255), (18, 18, 18), (32, 33, 36))


def letterbox(
    image: Image.Image, boxes: tuple[Box, ...], rng: np.random.Generator
) -> tuple[Image.Image, tuple[Box, ...]]:
    """Bars above and below or left and right; the longer side stays what it was."""
    own = image.width / image.height
    room = float(rng.uniform(1.15, 2.0))
    # A phone's screen usually gets its bars at the sides, a desktop's above and below.
    across = float(rng.random()) < (0.75 if own < 1 else 0.25)
    aspect = own * room if across else own / room
    longest = max(image.size)
    width, height = (longest, round(longest / aspect)) if aspect >= 1 else (round(longest * aspect), longest)
    scale = min(width / image.width, height / image.height)
    inner = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    framed = Image.new("RGB", (width, height), _BARS[int(rng.integers(len(_BARS)))])
    framed.paste(image.resize(inner, Image.Resampling.BILINEAR, reducing_gap=2.0), (left, top))
    matrix = np.array(
        [[inner[0] / image.width, 0, left], [0, inner[1] / image.height, top], [0, 0, 1]], dtype=float
    )
    moved = (move_box(box, matrix, (width, height)) for box in boxes)
    return framed, tuple(box for box in moved if box)
