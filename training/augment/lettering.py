"""Letters that others put over a picture: a shop's watermark, a caption, a price."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_MARKS = ("SAMPLE", "AURELLE", "orsa-jewels", "HALDEN & CO", "(c) solenne", "vestra.example", "NADIR BIJOUX")
_CAPTIONS = (
    "which one??",
    "new in",
    "birthday wish list",
    "SALE -30%",
    "find me this",
    "obsessed",
    "$ 249",
    "1 or 2?",
    "sold out :(",
    "from last summer",
    "size 7",
    "my dream ring",
)


def watermark(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A shop's name, half transparent: once across, in a corner, or again and again all over."""
    name = _MARKS[int(rng.integers(len(_MARKS)))]
    layer = Image.new("L", image.size)
    draw = ImageDraw.Draw(layer)
    way = int(rng.integers(3))
    share = (0.11, 0.05, 0.045)[way]
    font = ImageFont.load_default(max(round(image.width * share), 8))
    wide = draw.textlength(name, font)
    if way == 0:
        draw.text((image.width / 2, image.height / 2), name, 255, font, anchor="mm")
        layer = layer.rotate(float(rng.uniform(-40, 40)), Image.Resampling.BILINEAR)
    elif way == 1:
        draw.text((image.width * 0.96, image.height * 0.96), name, 255, font, anchor="rs")
    else:
        step = max(image.height // 6, 10)
        for row, y in enumerate(range(0, image.height, step)):
            for x in range(-(row % 2) * int(wide), image.width, max(int(wide * 1.6), 10)):
                draw.text((x, y), name, 255, font)
        layer = layer.rotate(float(rng.uniform(15, 35)), Image.Resampling.BILINEAR)
    strength = float(rng.uniform(0.15, 0.5))
    ink = (255, 255, 255) if float(rng.random()) < 0.6 else (20, 20, 20)
    faint = layer.point([round(level * strength) for level in range(256)])
    return Image.composite(Image.new("RGB", image.size, ink), image, faint)


def caption(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A line of words on the picture, plain or on a bar, above or below the middle."""
    words = _CAPTIONS[int(rng.integers(len(_CAPTIONS)))]
    font = ImageFont.load_default(max(round(image.width * float(rng.uniform(0.05, 0.1))), 8))
    titled = image.copy()
    draw = ImageDraw.Draw(titled)
    x = image.width * float(rng.uniform(0.35, 0.65))
    y = image.height * float(rng.choice([rng.uniform(0.06, 0.2), rng.uniform(0.8, 0.94)]))
    dark = float(rng.random()) < 0.5
    ink, ground = ((255, 255, 255), (15, 15, 15)) if dark else ((15, 15, 15), (255, 255, 255))
    left, top, right, bottom = draw.textbbox((x, y), words, font, anchor="mm")
    pad = (bottom - top) * 0.4
    if float(rng.random()) < 0.5:
        draw.rounded_rectangle((left - pad, top - pad, right + pad, bottom + pad), pad, fill=ground)
        draw.text((x, y), words, ink, font, anchor="mm")
    else:
        draw.text(
            (x, y), words, ink, font, anchor="mm", stroke_width=max(image.width // 180, 1), stroke_fill=ground
        )
    return titled
