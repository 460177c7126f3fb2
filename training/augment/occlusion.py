"""Something in the way: a finger, a sleeve, a tag, a sticker."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_SKIN = ((236, 200, 176), (214, 170, 140), (178, 126, 94), (134, 90, 64), (92, 60, 44))
MOST = 0.3  # part of the picture that is ever hidden


def finger(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A fingertip out of focus reaches in from an edge and hides at most 30 % of the picture."""
    width, height = image.size
    side = min(width, height)
    thick, reach = float(rng.uniform(0.14, 0.26)) * side, float(rng.uniform(0.1, 0.3)) * side
    along = float(rng.uniform(0.1, 0.9))
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    edge = int(rng.integers(4))
    if edge < 2:
        x = along * width
        y = -thick if edge == 0 else height - reach
        draw.rounded_rectangle((x - thick / 2, y, x + thick / 2, y + reach + thick), thick / 2, fill=255)
    else:
        y = along * height
        x = -thick if edge == 2 else width - reach
        draw.rounded_rectangle((x, y - thick / 2, x + reach + thick, y + thick / 2), thick / 2, fill=255)
    skin = np.array(_SKIN[int(rng.integers(len(_SKIN)))])
    tones = np.clip(skin + rng.integers(-16, 17, (4, 4, 1)), 0, 255).astype(np.uint8)
    tip = Image.fromarray(tones).resize(image.size, Image.Resampling.BICUBIC)
    return Image.composite(tip, image, mask.filter(ImageFilter.GaussianBlur(side / 90)))


def tag(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A plain paper tag or sticker of 8 to 25 % of a side, a little turned, near a corner."""
    width, height = image.size
    wide, high = (max(round(side * float(rng.uniform(0.08, 0.25))), 3) for side in image.size)
    paper = tuple(int(level) for level in rng.integers(150, 256, 3))
    slip = Image.new("RGBA", (wide, high), (*paper, 255))
    draw = ImageDraw.Draw(slip)
    for row in range(1, 4):
        draw.line((wide * 0.15, high * row / 4, wide * 0.85, high * row / 4), fill=(90, 90, 90, 255))
    slip = slip.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BICUBIC, expand=True)
    corner_x, corner_y = int(rng.integers(2)), int(rng.integers(2))
    left = corner_x * (width - slip.width) + (1 - 2 * corner_x) * int(rng.integers(max(width // 6, 1)))
    top = corner_y * (height - slip.height) + (1 - 2 * corner_y) * int(rng.integers(max(height // 6, 1)))
    tagged = image.copy()
    tagged.paste(slip, (left, top), slip)
    return tagged
