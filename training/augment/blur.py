"""Out of focus, or moved while the shutter was open."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter


def defocus(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A lens out of focus: a blur of 0.3 to 1 % of the shorter side."""
    return image.filter(ImageFilter.BoxBlur(float(rng.uniform(0.003, 0.01)) * min(image.size)))


def shake(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A hand that moved: the mean of copies along a short line, in one of eight directions."""
    steps = max(round(float(rng.uniform(0.008, 0.025)) * min(image.size)), 2)
    dx, dy = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1), (1, 2), (2, -1), (1, -2))[int(rng.integers(8))]
    pixels = np.asarray(image).astype(np.uint16)
    total = np.zeros_like(pixels)
    for step in range(steps):
        by_x, by_y = step * dx // max(abs(dx), abs(dy)), step * dy // max(abs(dx), abs(dy))
        total += _shifted(pixels, by_x, by_y)
    return Image.fromarray((total // steps).astype(np.uint8))


def _shifted(pixels: np.ndarray, by_x: int, by_y: int) -> np.ndarray:
    """Moved by whole pixels; the edge repeats."""
    height, width = pixels.shape[:2]
    rows = np.clip(np.arange(height) - by_y, 0, height - 1)
    columns = np.clip(np.arange(width) - by_x, 0, width - 1)
    return pixels[rows][:, columns]
