"""Sensor noise of a picture taken in a dim room."""

from __future__ import annotations

import numpy as np
from PIL import Image


def grain(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Whole-number noise, a little of it coloured; up to 8 levels on average. The mean stays."""
    most = int(rng.integers(4, 14))
    shape = (image.height, image.width)
    grey = rng.integers(-most, most + 1, (*shape, 1)) + rng.integers(-most, most + 1, (*shape, 1))
    colour = rng.integers(-most // 2, most // 2 + 1, (*shape, 3))
    noisy = np.asarray(image).astype(np.int16) + (grey + colour).astype(np.int16) * 3 // 4
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
