"""What people draw on a picture before they send it: strokes, rings, ticks, arrows."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageDraw

_INKS = (
    (230, 30, 40),
    (250, 210, 30),
    (30, 120, 240),
    (20, 20, 20),
    (255, 255, 255),
    (40, 190, 90),
    (240, 60, 170),
)
_SMOOTH = 2

Points = list[tuple[float, float]]


def ring_around(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A hand-drawn ring around the middle of the picture, not quite closed and not quite round."""
    width, height = image.size
    radius_x, radius_y = (side * float(rng.uniform(0.3, 0.44)) for side in (width, height))
    centre = width * float(rng.uniform(0.46, 0.54)), height * float(rng.uniform(0.46, 0.54))
    start, sweep = float(rng.uniform(0, 6.28)), float(rng.uniform(5.6, 7.4))
    grow = float(rng.uniform(-0.12, 0.12))
    points: Points = []
    for step in range(61):
        angle, wide = start + sweep * step / 60, 1 + grow * step / 60
        points.append(
            (centre[0] + radius_x * wide * math.cos(angle), centre[1] + radius_y * wide * math.sin(angle))
        )
    return _drawn(image, [points], rng)


def scrawl(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One to three loose strokes, an underline or a tick, away from the very middle."""
    width, height = image.size
    lines: list[Points] = []
    for _ in range(1 + int(rng.integers(3))):
        x, y = (
            width * float(rng.uniform(0.05, 0.7)),
            height * float(rng.choice([rng.uniform(0.04, 0.2), rng.uniform(0.8, 0.95)])),
        )
        long, wave = width * float(rng.uniform(0.15, 0.4)), height * float(rng.uniform(0.0, 0.05))
        turns = float(rng.uniform(0, 12))
        lines.append([(x + long * n / 40, y + wave * math.sin(turns * n / 40)) for n in range(41)])
    return _drawn(image, lines, rng)


def arrow(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """An arrow, a little bent, that points from an edge towards the middle."""
    width, height = image.size
    angle = float(rng.uniform(0, 6.28))
    tip = width * (0.5 + 0.22 * math.cos(angle)), height * (0.5 + 0.22 * math.sin(angle))
    tail = width * (0.5 + 0.46 * math.cos(angle)), height * (0.5 + 0.46 * math.sin(angle))
    bend = float(rng.uniform(-0.2, 0.2))
    shaft: Points = []
    for step in range(21):
        t = step / 20
        bow = bend * math.sin(math.pi * t)
        shaft.append(
            (
                tail[0] + (tip[0] - tail[0]) * t - (tip[1] - tail[1]) * bow,
                tail[1] + (tip[1] - tail[1]) * t + (tip[0] - tail[0]) * bow,
            )
        )
    ahead = math.atan2(shaft[-1][1] - shaft[-4][1], shaft[-1][0] - shaft[-4][0])
    barb = 0.09 * min(width, height)
    head: Points = [
        (tip[0] - barb * math.cos(ahead + side), tip[1] - barb * math.sin(ahead + side))
        for side in (0.55, -0.55)
    ]
    return _drawn(image, [shaft, [head[0], tip, head[1]]], rng)


def _drawn(image: Image.Image, lines: list[Points], rng: np.random.Generator) -> Image.Image:
    """Strokes with round ends in one ink, smooth at their edges."""
    ink = _INKS[int(rng.integers(len(_INKS)))]
    thick = max(float(rng.uniform(0.008, 0.02)) * min(image.size), 1.0)
    mask = Image.new("L", (image.width * _SMOOTH, image.height * _SMOOTH))
    draw = ImageDraw.Draw(mask)
    for line in lines:
        points = [(x * _SMOOTH, y * _SMOOTH) for x, y in line]
        draw.line(points, fill=255, width=max(round(thick * _SMOOTH), 1), joint="curve")
        for x, y in (points[0], points[-1]):
            half = thick * _SMOOTH / 2
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)
    return Image.composite(Image.new("RGB", image.size, ink), image, mask.reduce(_SMOOTH))
