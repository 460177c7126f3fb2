"""What happens to a finished screen: photographed with a phone, cropped by hand, set between bars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from training.screenshots.box import Box
from training.screenshots.crop import crop
from training.screenshots.letterbox import letterbox
from training.screenshots.photograph import photograph

Effect = Callable[[Image.Image, tuple[Box, ...], np.random.Generator], tuple[Image.Image, tuple[Box, ...]]]

_EFFECTS: dict[str, Effect] = {"photograph": photograph, "letterbox": letterbox, "crop": crop}


def apply_effect(
    name: str, image: Image.Image, boxes: tuple[Box, ...], rng: np.random.Generator
) -> tuple[Image.Image, tuple[Box, ...]]:
    """The screen after the effect, and its boxes moved with it."""
    return _EFFECTS[name](image, boxes, rng)
