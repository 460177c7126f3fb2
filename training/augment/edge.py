"""The colour that a picture ends in, for what is added around it."""

from __future__ import annotations

import numpy as np
from PIL import Image


def edge_colour(image: Image.Image) -> tuple[int, int, int]:
    """Median colour of the outermost pixels of an RGB picture."""
    pixels = np.asarray(image)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = (int(np.sort(rim[:, band])[len(rim) // 2]) for band in range(3))
    return red, green, blue
