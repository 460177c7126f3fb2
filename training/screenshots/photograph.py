"""A photograph of the screen with a phone: perspective, bezel, moire, glare, colour cast, noise.

Moire and noise are whole numbers throughout, so that machines agree on them.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from training.screenshots.box import Box, Point, upright
from training.screenshots.transform import homography, move, move_box

_ROOMS = (
    (38, 36, 40),
    (92, 84, 76),
    (150, 138, 124),
    (64, 70, 78),
    (24, 24, 26),
    (176, 172, 168),
    (70, 54, 44),
)
_WAVE = np.array([round(127 * math.sin(2 * math.pi * n / 256)) for n in range(256)], np.int16)


def photograph(
    image: Image.Image, boxes: tuple[Box, ...], rng: np.random.Generator
) -> tuple[Image.Image, tuple[Box, ...]]:
    """The screen as a camera saw it; the picture keeps the screen's size."""
    width, height = image.size
    corners = _seen_corners(width, height, rng)
    matrix = homography(upright((0, 0, width, height)), corners)
    room = _room((width, height), rng)
    _bezel(room, corners, matrix, (width, height), rng)
    back = np.linalg.inv(matrix)
    back /= back[2, 2]
    flat = tuple(float(value) for value in back.reshape(-1)[:8])
    shape = (width, height)
    seen = _moire(image, rng).transform(shape, Image.Transform.PERSPECTIVE, flat, Image.Resampling.BILINEAR)
    lit = Image.new("L", image.size)
    ImageDraw.Draw(lit).polygon(corners, fill=255)
    room.paste(seen, (0, 0), lit)
    photo = _glare(room, rng).filter(
        ImageFilter.BoxBlur(float(rng.uniform(0.2, 0.8)) * max(width, 400) / 540)
    )
    photo = _cast(photo, rng)
    photo = _noise(photo, rng)
    moved = (move_box(box, matrix, image.size) for box in boxes)
    return photo, tuple(box for box in moved if box)


def _seen_corners(width: int, height: int, rng: np.random.Generator) -> tuple[Point, Point, Point, Point]:
    fill = float(rng.uniform(0.8, 1.0))
    turn = float(rng.uniform(-0.07, 0.07))
    centre = (width * float(rng.uniform(0.47, 0.53)), height * float(rng.uniform(0.47, 0.53)))
    jitter = rng.uniform(-0.045, 0.045, (4, 2))
    points = []
    for (x, y), (dx, dy) in zip(upright((0, 0, width, height)), jitter, strict=True):
        u, v = (x - width / 2) * fill, (y - height / 2) * fill
        u, v = u * math.cos(turn) - v * math.sin(turn), u * math.sin(turn) + v * math.cos(turn)
        points.append((centre[0] + u + dx * width, centre[1] + v + dy * height))
    return points[0], points[1], points[2], points[3]


def _room(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """An out-of-focus desk or wall: a few soft patches of light."""
    base = np.array(_ROOMS[int(rng.integers(len(_ROOMS)))])
    spots = np.clip(base + rng.integers(-26, 27, (5, 4, 1)) + rng.integers(-5, 6, (5, 4, 3)), 0, 255)
    return Image.fromarray(spots.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def _bezel(
    room: Image.Image,
    corners: tuple[Point, ...],
    matrix: npt.NDArray[np.float64],
    size: tuple[int, int],
    rng: np.random.Generator,
) -> None:
    del corners
    edge = size[0] * float(rng.uniform(0.015, 0.045))
    shade = int(rng.integers(8, 30))
    draw = ImageDraw.Draw(room)
    for grow, level in ((edge * 1.35, min(shade + 45, 255)), (edge, shade)):
        frame = [
            (-grow, -grow),
            (size[0] + grow, -grow),
            (size[0] + grow, size[1] + grow),
            (-grow, size[1] + grow),
        ]
        draw.polygon([move(point, matrix) for point in frame], fill=(level, level, level + 2))


def _moire(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Colour fringes where the camera's grid beats with the screen's: slow waves, bent a little."""
    strength = 2 + round(17 * float(rng.random()) ** 2)  # most photographs show little of it
    width, height = image.size
    x = np.arange(width, dtype=np.int32)[None, :]
    y = np.arange(height, dtype=np.int32)[:, None]
    # Steps of 1/256 turn a pixel, in 8.8 fixed point: a wave is 8 to 60 pixels long.
    along, across = (int(value) for value in rng.integers(1100, 8000, 2) * rng.choice([-1, 1], 2))
    bend = int(rng.integers(-9, 10))
    turn = (x * along + y * across + (x * y >> 4) * bend) >> 8
    turns = np.arange(256)[:, None] + rng.integers(0, 90, 3)[None, :]  # each colour a little out of step
    table = (255 - strength + (_WAVE[turns & 255] * strength >> 7)).astype(np.uint8)
    grid = Image.fromarray(table[turn.astype(np.uint8)])
    return ImageChops.multiply(image, grid)


def _glare(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A window or lamp reflected in the glass."""
    if float(rng.random()) < 0.25:
        return image
    small = (48, max(round(48 * image.height / image.width), 1))
    patch = Image.new("L", small)
    draw = ImageDraw.Draw(patch)
    level = int(rng.integers(40, 130))
    x, y = (float(value) for value in rng.uniform(0.05, 0.95, 2) * np.array(small))
    wide, high = float(rng.uniform(4, 14)), float(rng.uniform(4, 16))
    if float(rng.random()) < 0.5:
        draw.ellipse((x - wide, y - high, x + wide, y + high), fill=level)
    else:
        lean = float(rng.uniform(-8, 8))
        draw.polygon(
            [(x, y), (x + wide, y), (x + wide + lean, y + 2 * high), (x + lean, y + 2 * high)], fill=level
        )
    soft = patch.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.5, 4.0))))
    return ImageChops.screen(
        image, Image.merge("RGB", [soft.resize(image.size, Image.Resampling.BILINEAR)] * 3)
    )


def _cast(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """White balance and exposure of the camera."""
    gains = float(rng.uniform(0.78, 1.08)) * (1 + rng.uniform(-0.06, 0.06, 3))
    lift = int(rng.integers(0, 14))
    table = [min(round(level * float(gain)) + lift, 255) for gain in gains for level in range(256)]
    return image.point(table)


def _noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    strength = int(rng.integers(3, 11))
    shape = (image.height, image.width)
    # The sum of two even draws is near enough to a bell, and whole.
    grain = rng.integers(0, strength, shape, np.uint8) + rng.integers(0, strength, shape, np.uint8)
    layer = Image.fromarray(grain)
    return ImageChops.add(image, Image.merge("RGB", [layer] * 3), offset=-(strength - 1))
