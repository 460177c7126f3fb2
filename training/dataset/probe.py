"""Do pictures show what labels say? A nearest-neighbour check on colours and outlines, no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.dataset.manifest import LabelCheck

SIDE = 96
_CELLS = 8
_TURNS = 9  # directions of gradients, unsigned, as in Dalal and Triggs, CVPR 2005
_BY_COLOUR = ("metal", "stone")
_BY_DETAIL = ("shape", "prongs")
_DETAIL = SIDE // 3

Vector = npt.NDArray[np.float32]
Features = tuple[Vector, Vector, Vector]
"""Histograms of colours [96], of gradients [576], of gradients of the busiest ninth of the picture [576]."""


def features(picture: Image.Image) -> Features:
    """Simple features of an RGB picture, each of unit length."""
    small = _reduced(picture)
    return _colours(small), _gradients(small), _gradients(_reduced(_busiest(picture, small)))


def check_labels(
    pictures: Sequence[Features],
    labels: Sequence[dict[str, str]],
    families: Sequence[str],
    least: int = 30,
) -> dict[str, LabelCheck]:
    """Accuracy of the nearest neighbour of another family, by attribute, beside chance.

    Colour decides for metal and stone, the busiest part (where the stone is) for its shape and prongs, and the
    gradients of all the picture for all else. A value counts once it is on pictures of two
    families, for else no neighbour could have it.

    Args:
        pictures: `features` of each picture.
        labels: of each picture's product; an attribute that is unknown is left out there.
        families: of each picture's product; neighbours of the same family do not count.
        least: pictures with the attribute below which it is not checked.
    """
    results = {}
    owners = np.array(families)
    for name in sorted({key for known in labels for key in known}):
        spread: dict[str, set[str]] = {}
        for known, family in zip(labels, families, strict=True):
            if name in known:
                spread.setdefault(known[name], set()).add(family)
        values = {value for value, seen in spread.items() if len(seen) > 1}
        rows = np.array([row for row, known in enumerate(labels) if known.get(name) in values], int)
        if len(rows) < least or len(values) < 2:
            continue
        kind = 0 if name in _BY_COLOUR else 2 if name in _BY_DETAIL else 1
        vectors = np.stack([pictures[row][kind] for row in rows])
        told = np.array([labels[row][name] for row in rows])
        closeness = vectors @ vectors.T
        closeness[owners[rows][:, None] == owners[rows][None, :]] = -1.0
        nearest = closeness.argmax(axis=1)
        counts = np.array(list(Counter(told.tolist()).values())) / len(rows)
        results[name] = LabelCheck(
            accuracy=round(float(np.mean(told[nearest] == told)), 4),
            chance=round(float(np.sum(counts**2)), 4),
            pictures=len(rows),
            values=len(values),
        )
    return results


def _reduced(picture: Image.Image) -> Image.Image:
    return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)


def _busiest(picture: Image.Image, small: Image.Image) -> Image.Image:
    """The window of a third of the sides that has the strongest gradients: facets, prongs, beads."""
    grey = np.asarray(small.convert("L")).astype(np.float32)
    dy, dx = np.gradient(grey)
    sums = np.pad(np.hypot(dx, dy).astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    size = _DETAIL
    windows = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    row, column = np.unravel_index(int(windows.argmax()), windows.shape)
    across, down = picture.width / SIDE, picture.height / SIDE
    left, top = int(column) * across, int(row) * down
    return picture.crop((round(left), round(top), round(left + size * across), round(top + size * down)))


def _colours(small: Image.Image) -> Vector:
    """Hue and saturation where the picture differs from its edge, so that the background does not count."""
    pixels = np.asarray(small).astype(np.int32)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    piece = np.abs(pixels - np.median(rim, axis=0).astype(np.int32)).max(2) > 24
    tones = np.asarray(small.convert("HSV")).astype(np.int32)[piece]
    bins = (tones[:, 0] * 24 // 256) * 4 + np.minimum(tones[:, 1] * 5 // 256, 3)
    counts = np.bincount(bins, minlength=96).astype(np.float32)
    return _unit(np.sqrt(counts))


def _gradients(small: Image.Image) -> Vector:
    """Histograms of oriented gradients over 8 x 8 cells."""
    grey = np.asarray(small.convert("L")).astype(np.float32)
    dy, dx = np.gradient(grey)
    turn = ((np.arctan2(dy, dx) % np.pi) / np.pi * _TURNS).astype(int) % _TURNS
    size = SIDE // _CELLS
    row, column = np.indices(grey.shape) // size
    place = (row * _CELLS + column) * _TURNS + turn
    weights = np.sqrt(np.hypot(dx, dy))
    counts = np.bincount(place.ravel(), weights.ravel(), _CELLS * _CELLS * _TURNS)
    return _unit(counts.astype(np.float32))


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length > 0 else vector
