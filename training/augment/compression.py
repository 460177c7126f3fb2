"""What messengers and sites do to a picture on its way: smaller, and compressed again and again."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def compress(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One to three rounds of JPEG or WebP at quality 25 to 85. The size stays."""
    for _ in range(1 + int(rng.integers(3))):
        quality = int(rng.integers(25, 86))
        if float(rng.random()) < 0.7:
            image = _again(image, "JPEG", quality=quality, subsampling=(0, 2, 2)[int(rng.integers(3))])
        else:
            image = _again(image, "WEBP", quality=quality, method=2)
    return image


def rescale(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Made smaller, to 25 to 75 %, and large again, as a thumbnail that somebody enlarged. The size stays."""
    part = float(rng.uniform(0.25, 0.75))
    small = max(round(image.width * part), 8), max(round(image.height * part), 8)
    filters = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.BOX)
    shrunk = image.resize(small, filters[int(rng.integers(3))])
    return shrunk.resize(
        image.size, (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)[int(rng.integers(2))]
    )


def _again(image: Image.Image, kind: str, **options: int) -> Image.Image:
    out = io.BytesIO()
    image.save(out, kind, **options)
    out.seek(0)
    with Image.open(out) as read:
        return read.convert("RGB")
