"""Whether a picture can be used, and what it looks like: the perceptual hash."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from visionseek.errors import ImageRejected
from visionseek.pixels import ImageLimits, open_image

LEAST_SIDE = 16  # pixels; smaller ones are tracking pixels and spacers


class Look(NamedTuple):
    """What a usable picture is: its size in pixels, and its perceptual hash as a signed 64-bit number."""

    width: int
    height: int
    phash: int


def look(data: bytes, limits: ImageLimits | None = None) -> Look:
    """Decode a picture in full.

    Raises:
        ImageRejected: no picture, damaged, above a limit, or too small to show a product.
    """
    picture = open_image(data, limits)
    width, height = picture.size
    if min(width, height) < LEAST_SIDE:
        raise ImageRejected(f"{width} x {height} pixels show no product; at least {LEAST_SIDE} a side")
    # Difference hash: is each of 8 x 8 cells brighter than its right neighbour? Stable under scaling,
    # compression and brightness. N. Krawetz, "Kind of Like That", hackerfactor.com, 2013.
    cells = np.asarray(picture.convert("L").resize((9, 8)), dtype=np.int16)
    bits = np.packbits(cells[:, :-1] > cells[:, 1:])
    return Look(width, height, int.from_bytes(bits.tobytes(), "big", signed=True))


def distance(first: int, second: int) -> int:
    """Bits in which two perceptual hashes differ, 0 to 64."""
    return ((first ^ second) & (2**64 - 1)).bit_count()
