"""Light, exposure and white balance, by tables of 256 levels."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageEnhance


def exposure(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brighter or darker: levels times 0.6 to 1.15, since shops' grounds are near white already."""
    gain = float(rng.uniform(0.6, 1.15))
    return image.point([min(round(level * gain), 255) for level in range(256)] * 3)


def contrast(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Levels spread or pulled together around the middle grey by 0.65 to 1.15."""
    gain = float(rng.uniform(0.65, 1.15))
    return image.point([min(max(round((level - 128) * gain + 128), 0), 255) for level in range(256)] * 3)


def gamma(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mid tones lifted or lowered: exponent 0.75 to 1.5. Black and white stay."""
    exponent = float(rng.uniform(0.75, 1.5))
    return image.point([round(255 * (level / 255) ** exponent) for level in range(256)] * 3)


def white_balance(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Warmer or colder light: red and blue move apart by up to 11 %, green a little."""
    warm, green = float(rng.uniform(-0.11, 0.11)), float(rng.uniform(-0.03, 0.03))
    gains = (1 + warm, 1 + green, 1 - warm)
    return image.point([min(round(level * gain), 255) for gain in gains for level in range(256)])


def saturation(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Colours from 0.5 to 1.5 of their strength; never grey: metal and stone are colours."""
    return ImageEnhance.Color(image).enhance(float(rng.uniform(0.5, 1.5)))


def shade(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light from one side: a soft slope or a soft-edged shadow over the picture."""
    levels = rng.integers(120, 256, (3, 3)).astype(np.uint8)
    slope = Image.fromarray(levels).resize(image.size, Image.Resampling.BICUBIC)
    return ImageChops.multiply(image, Image.merge("RGB", [slope] * 3))
