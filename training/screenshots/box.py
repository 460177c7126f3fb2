"""Where things are in a screenshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visionseek.vocabulary import Region

BoxKind = Literal["product", "view", "other", "portrait", "overlay"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """One object of a screenshot.

    Attributes:
        kind: `product` is the picture that was handed in, at its main place; `view` is the same product
            again, smaller; `other` is another product; `portrait` a person's small picture; `overlay` a
            banner or pop-up.
        pixels: left, top, right, bottom of the part on the screen, whole pixels, right and bottom outside.
        size: width and height of the screenshot.
        visible: fraction of the object's area that is on the screen and not under something opaque, 0 to 1.
        source: index into `others` (or `views`) that it shows, -1 where there is none.
        corners: top left, top right, bottom right, bottom left; no rectangle in a photograph of the screen.
    """

    kind: BoxKind
    pixels: tuple[int, int, int, int]
    size: tuple[int, int]
    visible: float
    source: int
    corners: tuple[Point, Point, Point, Point]

    @property
    def product(self) -> bool:
        """Whether this is the product that the screenshot was made for."""
        return self.kind == "product"

    @property
    def occluded(self) -> bool:
        """Whether a part of it is cut off or hidden."""
        return self.visible < 0.999

    @property
    def region(self) -> Region:
        """The box in fractions of the screenshot."""
        width, height = self.size
        left, top, right, bottom = self.pixels
        return Region(left / width, top / height, right / width, bottom / height)


def upright(pixels: tuple[int, int, int, int]) -> tuple[Point, Point, Point, Point]:
    """The corners of an upright box."""
    left, top, right, bottom = map(float, pixels)
    return (left, top), (right, top), (right, bottom), (left, bottom)
