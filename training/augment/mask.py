"""Telling a jewel from the plain studio background that it lies before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

Levels = npt.NDArray[np.float32]

_CORNER = 0.1  # side of a corner patch, as part of the picture's
_NEAR = 22  # levels between the rim and the light that the corners promise
_DARKEST = 110  # a studio background is no darker; below it ratios say little
_FINE = 200  # longer side that a mask is closed at
_LEAST, _MOST = 0.004, 0.6  # part of the picture that is jewel; anything else is no studio picture


@dataclass(frozen=True)
class Cutting:
    """A studio picture taken apart.

    Attributes:
        jewel: float32 [H, W, 1], 1 where the pixel surely is jewel, 0 where it is ground or shadow.
        light: float32 [H, W, 3], the part of the light that is left, 1 on bare ground, less in shadow.
    """

    jewel: Levels
    light: Levels


def cut_out(image: Image.Image) -> Cutting | None:
    """Take a picture apart, or None where its background is not plain enough.

    The background is what the four corners promise, bilinear between them. Against it, a shadow is the same
    colour with less light, and smooth; the jewel has another colour, or fine structure.

    Args:
        image: RGB.
    """
    pixels = np.asarray(image).astype(np.float32)
    ground = _ground(image)
    if float(ground.min()) < _DARKEST:
        return None
    off = np.abs(pixels - ground).max(2)
    rim = np.concatenate([off[0], off[-1], off[:, 0], off[:, -1]])
    if float(np.mean(rim < _NEAR)) < 0.6:
        return None
    light = np.clip(pixels / ground, 0.0, 1.06)
    colour = light.max(2) - light.min(2)
    structure = _structure(image)
    surely = np.clip(np.maximum((colour - 0.06) / 0.1, (structure - 16.0) / 26.0), 0.0, 1.0)
    mask = _whole(Image.fromarray((surely * 255).astype(np.uint8)))
    jewel = np.asarray(mask).astype(np.float32)[:, :, None] / np.float32(255)
    if not _LEAST <= float(np.mean(jewel > 0.5)) <= _MOST:
        return None
    return Cutting(jewel, light)


def _ground(image: Image.Image) -> Levels:
    wide, high = (max(round(side * _CORNER), 1) for side in image.size)
    pixels = np.asarray(image)
    patches = [[pixels[:high, :wide], pixels[:high, -wide:]], [pixels[-high:, :wide], pixels[-high:, -wide:]]]
    corners = np.array([[np.median(patch.reshape(-1, 3), axis=0) for patch in row] for row in patches])
    small = Image.fromarray(corners.astype(np.uint8))
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR)).astype(np.float32)


def _whole(mask: Image.Image) -> Image.Image:
    """The mask with bands and facets filled between their edges, and without the rim that structure adds.

    Closed over about a twentieth of the picture: wider than a shank, narrower than the hole of a ring.
    """
    small = mask.resize(
        (max(mask.width * _FINE // max(mask.size), 8), max(mask.height * _FINE // max(mask.size), 8))
    )
    closed = small.filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.MinFilter(11))
    full = closed.resize(mask.size, Image.Resampling.BICUBIC)
    inner = mask.filter(ImageFilter.MinFilter(3))
    return ImageChops.lighter(full, inner).filter(ImageFilter.BoxBlur(max(mask.size) / 500))


def _structure(image: Image.Image) -> Levels:
    """Range of grey around each pixel: high on facets, edges and links, low on ground and shadow."""
    grey = image.convert("L").filter(ImageFilter.BoxBlur(0.6))
    size = 2 * max(round(max(image.size) / 200), 1) + 1
    top, low = grey.filter(ImageFilter.MaxFilter(size)), grey.filter(ImageFilter.MinFilter(size))
    return np.asarray(top).astype(np.float32) - np.asarray(low).astype(np.float32)
