"""Telling a jewel from the plain studio background that it lies before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageFilter

Levels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_CORNER = 0.1  # side of a corner patch, as part of the picture's
_NEAR = 22  # levels between the rim and the light that the corners promise
_DARKEST = 110  # a studio background is no darker; below it ratios say little
_FAINT = 7  # levels from which a smooth spot inside an outline is metal or pearl, not a view through a ring
_HOLE = 0.01  # part of the picture from which an enclosed spot may be the view through a ring
_SHADED = 16  # levels: the ground seen through a ring lies in its shadow, metal is farther off
_BARE = 0.1  # part of such a view that is bare ground
_FINE = 200  # longer side that a mask is closed at
_LEAST, _MOST = 0.004, 0.6  # part of the picture that is jewel; anything else is no studio picture
_TOLD = 0.6  # part of all that differs from the ground that must be told for jewel


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
    """Take a picture apart, or None where jewel and background cannot be told from each other for sure.

    The background is what the four corners promise, bilinear between them. Against it, a shadow is the same
    colour with less light, and smooth; the jewel has another colour, or fine structure, or lies smooth inside
    an outline of such. Where much differs from the ground and is neither (white pearls on white, polished
    silver that mirrors it), nothing is taken apart: half a jewel would be worse.

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
    evidence = np.clip(np.maximum((colour - 0.06) / 0.1, (_structure(image) - 10.0) / 14.0), 0.0, 1.0)
    mask = _whole(_picture(evidence * 255), _picture(off))
    jewel = np.asarray(mask).astype(np.float32)[:, :, None] / np.float32(255)
    sure = jewel[:, :, 0] > 0.5
    differs = off > 2 * _FAINT
    if not _LEAST <= float(np.mean(sure)) <= _MOST:
        return None
    if np.count_nonzero(sure & differs) < _TOLD * np.count_nonzero(differs):
        return None
    return Cutting(jewel, light)


def _ground(image: Image.Image) -> Levels:
    wide, high = (max(round(side * _CORNER), 1) for side in image.size)
    pixels = np.asarray(image)
    patches = [[pixels[:high, :wide], pixels[:high, -wide:]], [pixels[-high:, :wide], pixels[-high:, -wide:]]]
    corners = np.array([[np.median(patch.reshape(-1, 3), axis=0) for patch in row] for row in patches])
    small = Image.fromarray(corners.astype(np.uint8))
    return np.asarray(small.resize(image.size, Image.Resampling.BILINEAR)).astype(np.float32)


def _structure(image: Image.Image) -> Levels:
    """Range of grey around each pixel: high on facets, edges and links, low on ground and shadow."""
    grey = image.convert("L").filter(ImageFilter.BoxBlur(0.6))
    size = 2 * max(round(max(image.size) / 200), 1) + 1
    top, low = grey.filter(ImageFilter.MaxFilter(size)), grey.filter(ImageFilter.MinFilter(size))
    return np.asarray(top).astype(np.float32) - np.asarray(low).astype(np.float32)


def _whole(evidence: Image.Image, off: Image.Image) -> Image.Image:
    """The mask with what lies smooth inside outlines filled, and without the rim that structure adds.

    Closed over about a twentieth of the picture: wider than a shank, narrower than the hole of a ring.
    """
    longest = max(evidence.size)
    size = max(evidence.width * _FINE // longest, 8), max(evidence.height * _FINE // longest, 8)
    closed = evidence.resize(size).filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.MinFilter(9))
    solid = np.asarray(closed) > 127
    differs = np.asarray(off.resize(size).filter(ImageFilter.BoxBlur(1)))
    enclosed = ~_reached(~solid) & ~solid
    solid |= enclosed & ~_seen_through(enclosed, differs) & (differs > _FAINT)
    filled = (
        _picture(solid * np.float32(255)).filter(ImageFilter.MaxFilter(5)).filter(ImageFilter.MinFilter(7))
    )
    full = filled.resize(evidence.size, Image.Resampling.BICUBIC)
    return ImageChops.lighter(full, evidence.filter(ImageFilter.MinFilter(3))).filter(
        ImageFilter.BoxBlur(longest / 500)
    )


def _reached(free: Mask) -> Mask:
    """Free pixels that can be reached from the edge of the picture, one step a round."""
    reached = np.zeros_like(free)
    reached[0], reached[-1], reached[:, 0], reached[:, -1] = free[0], free[-1], free[:, 0], free[:, -1]
    while True:
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        grown &= free
        if np.array_equal(grown, reached):
            return reached
        reached = grown


def _seen_through(enclosed: Mask, differs: npt.NDArray[np.uint8]) -> Mask:
    """Enclosed spots that are ground behind a ring or bangle, its shadow included, and no polished metal."""
    spots = _spots(enclosed)
    count = np.bincount(spots.ravel())
    mean = np.bincount(spots.ravel(), differs.ravel()) / np.maximum(count, 1)
    bare = np.bincount(spots.ravel(), (differs <= _FAINT).ravel()) / np.maximum(count, 1)
    through = (count >= _HOLE * enclosed.size) & (mean < _SHADED) & (bare >= _BARE)
    through[0] = False
    return np.asarray(through[spots])


def _spots(mask: Mask) -> npt.NDArray[np.intp]:
    """The number of the connected spot that each pixel lies in, 0 outside; not consecutive."""
    spots = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0)
    while True:
        grown = spots.copy()
        grown[1:] = np.maximum(grown[1:], spots[:-1])
        grown[:-1] = np.maximum(grown[:-1], spots[1:])
        grown[:, 1:] = np.maximum(grown[:, 1:], spots[:, :-1])
        grown[:, :-1] = np.maximum(grown[:, :-1], spots[:, 1:])
        grown *= mask
        if np.array_equal(grown, spots):
            return spots
        spots = grown


def _picture(levels: Levels) -> Image.Image:
    return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
