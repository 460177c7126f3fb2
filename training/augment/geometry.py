"""Where the camera stood: turned, shifted, nearer, mirrored, at an angle."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from training.augment.edge import edge_colour

MOST_DEGREES = 18.0
LEAST_ZOOM, MOST_ZOOM = 0.93, 1.3


def turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turned by up to 18 degrees; new corners take the colour of the picture's edge. The size stays."""
    degrees = float(rng.uniform(-MOST_DEGREES, MOST_DEGREES))
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=edge_colour(image))


def zoom(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Nearer by up to 30 %, farther by up to 7 %, and a little to the side. The size stays."""
    scale = float(rng.uniform(LEAST_ZOOM, MOST_ZOOM))
    width, height = image.size
    shift_x, shift_y = (float(value) for value in rng.uniform(-0.08, 0.08, 2))
    left = width / 2 * (1 - 1 / scale) + shift_x * width
    top = height / 2 * (1 - 1 / scale) + shift_y * height
    return image.transform(
        image.size,
        Image.Transform.AFFINE,
        (1 / scale, 0, left, 0, 1 / scale, top),
        Image.Resampling.BICUBIC,
        fillcolor=edge_colour(image),
    )


def mirror(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Left and right swapped, as a selfie camera does."""
    del rng
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def cut(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A part of the picture with 70 to 98 % of each side, anywhere: the picture gets smaller."""
    width, height = image.size
    wide, high = (max(round(side * float(rng.uniform(0.7, 0.98))), 1) for side in (width, height))
    left, top = int(rng.integers(width - wide + 1)), int(rng.integers(height - high + 1))
    return image.crop((left, top, left + wide, top + high))


def tilt(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Seen at an angle: the four corners move by up to 8 % of a side. The size stays."""
    width, height = image.size
    jitter = rng.uniform(-0.08, 0.08, (4, 2)) * np.array([width, height])
    corners = np.array([[0, 0], [0, height], [width, height], [width, 0]]) + jitter
    colour = edge_colour(image)
    # QUAD reads the four source corners; outside of the picture it reads nothing, so give it a margin.
    margin = math.ceil(0.08 * max(width, height))
    wider = Image.new("RGB", (width + 2 * margin, height + 2 * margin), colour)
    wider.paste(image, (margin, margin))
    data = [float(value) for value in (corners + margin).reshape(-1)]
    return wider.transform(image.size, Image.Transform.QUAD, data, Image.Resampling.BICUBIC)
