"""A query picture to the encoder's pixels, with what the answer says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from api.problems import IMAGE_REJECTED, Problem
from api.region import Box
from visionseek.pixels import ImageLimits, Rule, open_image, square
from visionseek.vocabulary import Region

MIN_SIDE = 8
"""Pixels; below it there is nothing to see, and every hit would be chance."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A query picture.

    Attributes:
        pixels: uint8 [S, S, 3].
        width: of the upright picture, in pixels.
        height: likewise.
        region: the part that was searched, None for all of it.
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    region: Region | None


def decode(picture: bytes, size: int, rule: str, box: Box | None, limits: ImageLimits) -> Decoded:
    """Decode, crop to the region, bring to S x S by the encoder's rule.

    Raises:
        ImageRejected: no usable picture; see `visionseek.pixels`.
        Problem: a region outside the picture, or fewer than 8 pixels a side to search.
    """
    upright = open_image(picture, limits, alpha="over-white")
    region = box.on(*upright.size) if box is not None else None
    width, height = upright.size
    across = width * (region.right - region.left) if region else width
    down = height * (region.bottom - region.top) if region else height
    if min(across, down) < MIN_SIDE:
        raise Problem(
            IMAGE_REJECTED,
            f"{'the region' if region else 'the picture'} of {across:.0f} x {down:.0f} pixels is smaller "
            f"than the least that can be searched, {MIN_SIDE} x {MIN_SIDE}",
            limit={"min_side": MIN_SIDE},
        )
    return Decoded(square(upright, size, cast("Rule", rule), region), width, height, region)
