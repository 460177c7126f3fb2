"""What is painted: rectangles with a place, in pixels from the top left of the screen."""

from __future__ import annotations

from dataclasses import dataclass

from training.screenshots.lettering import Lettering


@dataclass(slots=True)
class Mark:
    """A rectangle somewhere on the screen."""

    x: float
    y: float
    width: float
    height: float

    def edges(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in whole pixels."""
        return round(self.x), round(self.y), round(self.x + self.width), round(self.y + self.height)


@dataclass(slots=True)
class Fill(Mark):
    """A coloured box; `colour` may be `role>role`, `outline` alone draws a border."""

    colour: str | None = None
    alpha: float = 1.0
    outline: str | None = None
    radius: float = 0.0


@dataclass(slots=True)
class Line(Mark):
    """One line of text, as wide as its letters."""

    text: str = ""
    lettering: Lettering | None = None
    colour: str = "ink"


@dataclass(slots=True)
class Glyph(Mark):
    """An icon."""

    icon: str = ""
    colour: str = "ink"
    filled: bool = False


@dataclass(slots=True)
class Paste(Mark):
    """A place for a picture."""

    of: str = "other"
    fit: str = "cover"
    radius: float = 0.0


@dataclass(slots=True)
class Laid:
    """Marks of a box laid out at the origin, and its size."""

    width: float
    height: float
    marks: list[Mark]

    def moved(self, x: float, y: float) -> list[Mark]:
        """The marks, shifted in place."""
        for mark in self.marks:
            mark.x += x
            mark.y += y
        return self.marks
