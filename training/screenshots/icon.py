"""Icons as masks, drawn from the strokes in `icons.toml` and kept for the next screen."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources

from PIL import Image, ImageDraw

from visionseek.errors import InputError

_GRID = 24
_SMOOTH = 4  # drawn this many times larger, then reduced
_STEPS = 10  # pieces of a curve
# Icons that point along the line turn round with it; ticks, players, lenses and clocks do not.
DIRECTED = frozenset({"back", "forward", "send", "comment", "truck", "cart", "tabs", "filter"})

Point = tuple[float, float]


@lru_cache(maxsize=1024)
def icon_mask(name: str, size: int, *, filled: bool = False) -> Image.Image:
    """The icon as an `L` mask of `size` x `size` pixels; do not draw on it, it is shared.

    Raises:
        InputError: no icon of that name.
    """
    strokes = _strokes()
    if name not in strokes:
        raise InputError(f"no icon `{name}`", mend=f"icons: {', '.join(strokes)}")
    side = max(size, 4) * _SMOOTH
    mask = Image.new("L", (side, side))
    draw = ImageDraw.Draw(mask)
    scale = side / _GRID
    width = max(round(1.6 * scale), 1)
    for line in _lines(strokes[name]):
        points = [(x * scale, y * scale) for x, y in line]
        if filled and len(points) > 2:
            draw.polygon(points, fill=255)
        draw.line(points, fill=255, width=width, joint="curve")
    return mask.reduce(_SMOOTH)


@lru_cache(maxsize=1)
def _strokes() -> dict[str, str]:
    return tomllib.loads((resources.files(__package__) / "icons.toml").read_text("utf-8"))


def _lines(path: str) -> list[list[Point]]:
    lines: list[list[Point]] = []
    for letter, rest in re.findall(r"([MLCZO])([^MLCZO]*)", path):
        numbers = [float(text) for text in rest.split()]
        if letter == "M":
            lines.append([(numbers[0], numbers[1])])
        elif letter == "L":
            lines[-1].append((numbers[0], numbers[1]))
        elif letter == "C":
            lines[-1] += _curve(lines[-1][-1], numbers)
        elif letter == "Z":
            lines[-1].append(lines[-1][0])
        else:
            lines.append(_circle(*numbers))
    return lines


def _curve(start: Point, numbers: list[float]) -> list[Point]:
    x1, y1, x2, y2, x3, y3 = numbers
    points = []
    for step in range(1, _STEPS + 1):
        t = step / _STEPS
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        points.append((a * start[0] + b * x1 + c * x2 + d * x3, a * start[1] + b * y1 + c * y2 + d * y3))
    return points


def _circle(x: float, y: float, radius: float) -> list[Point]:
    # A circle as four cubic curves; 0.5523 is the usual handle length for a quarter.
    h = 0.5523 * radius
    points = [(x + radius, y)]
    for numbers in (
        [x + radius, y + h, x + h, y + radius, x, y + radius],
        [x - h, y + radius, x - radius, y + h, x - radius, y],
        [x - radius, y - h, x - h, y - radius, x, y - radius],
        [x + h, y - radius, x + radius, y - h, x + radius, y],
    ):
        points += _curve(points[-1], numbers)
    return points
