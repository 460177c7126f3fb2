"""The region of a query as callers write it: fractions, or pixels of the upright picture."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.problems import INVALID_INPUT, Problem
from visionseek.vocabulary import Region

_SHAPE = "four numbers left, top, right, bottom: fractions of the picture, or pixels where one is above 1"


@dataclass(frozen=True, slots=True)
class Box:
    """Left, top, right, bottom as given; above 1 they are pixels, which mean nothing without a picture."""

    sides: tuple[float, float, float, float]

    def on(self, width: int, height: int) -> Region:
        """The region on an upright picture of this size.

        Raises:
            Problem: outside the picture.
        """
        left, top, right, bottom = self.sides
        if max(self.sides) <= 1:
            return Region(left, top, right, bottom)
        if right > width or bottom > height:
            raise Problem(
                INVALID_INPUT,
                f"region {_written(self.sides)} reaches outside the upright picture, "
                f"{width} x {height} pixels",
                limit={"width": width, "height": height},
            )
        return Region(left / width, top / height, right / width, bottom / height)


def parse_region(value: Any) -> Box | None:
    """A region out of `l,t,r,b`, a JSON list as text, or a list; None for nothing given.

    Raises:
        ValueError: anything else, an empty or inverted box, or a side below 0.
    """
    if value is None or value == "":
        return None
    sides = _numbers(value)
    if len(sides) != 4 or not all(math.isfinite(side) for side in sides):
        raise ValueError(f"must be {_SHAPE}")
    left, top, right, bottom = sides
    if min(sides) < 0:
        raise ValueError(f"{_written(sides)} has a side below 0")
    if left >= right or top >= bottom:
        raise ValueError(f"{_written(sides)} is empty: left must be below right and top below bottom")
    return Box((left, top, right, bottom))


def _numbers(value: Any) -> list[float]:
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        except (ValueError, RecursionError):
            raise ValueError(f"must be {_SHAPE}") from None
    if not isinstance(value, Sequence) or any(isinstance(side, bool) for side in value):
        raise ValueError(f"must be {_SHAPE}")
    try:
        return [float(side) for side in value]
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"must be {_SHAPE}") from None


def _written(sides: Sequence[float]) -> str:
    return ",".join(f"{side:g}" for side in sides)
