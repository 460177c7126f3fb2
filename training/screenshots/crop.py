"""The screen cut by hand around the product, as people do before they send or search it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from training.screenshots.box import Box
from training.screenshots.transform import move_box


def crop(
    image: Image.Image, boxes: tuple[Box, ...], rng: np.random.Generator
) -> tuple[Image.Image, tuple[Box, ...]]:
    """A part of the screen with the whole product box and some of what is around it."""
    product = max((box for box in boxes if box.product), key=lambda box: box.visible)
    left, top, right, bottom = product.pixels
    keep = rng.random(4) ** 2  # mostly tight, at times nearly the whole screen
    edges = (
        round(left * (1 - keep[0])),
        round(top * (1 - keep[1])),
        round(right + (image.width - right) * keep[2]),
        round(bottom + (image.height - bottom) * keep[3]),
    )
    size = (edges[2] - edges[0], edges[3] - edges[1])
    matrix = np.array([[1, 0, -edges[0]], [0, 1, -edges[1]], [0, 0, 1]], dtype=float)
    moved = (move_box(box, matrix, size) for box in boxes)
    return image.crop(edges), tuple(box for box in moved if box)
