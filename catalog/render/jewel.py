"""From a description to its parts, as one laid on a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render.bracelets import bracelet
from catalog.render.description import Description
from catalog.render.draw import Draw
from catalog.render.earrings import earring
from catalog.render.mesh import Array, Jewel, turn
from catalog.render.necklaces import necklace
from catalog.render.rings import ring


@dataclass(frozen=True)
class Laid:
    """A product as it lies or stands before a studio's camera.

    Attributes:
        jewel: its parts; both of a pair.
        ground: z of the table; posts of earrings go through it, as through a display card.
        focus: points [n, 3] that the picture is about: all of it, or the front of a necklace.
    """

    jewel: Jewel
    ground: float
    focus: Array


def build(item: Description) -> Jewel:
    """The parts of one piece in its own frame (one earring of a pair).

    Raises:
        KeyError: a word of the description is not in the vocabulary.
    """
    return {"ring": ring, "necklace": necklace, "earring": earring, "bracelet": bracelet}[item.category](item)


def laid(item: Description, draw: Draw, *, close: bool = False) -> Laid:
    """The product on a table; `draw` varies how it lies, `close` shows the front of a long chain only."""
    piece = build(item)
    if item.category == "ring":
        return _standing(piece)
    if item.category == "necklace":
        return _necklace(item, piece, close=close)
    if item.category == "bracelet":
        # round z, its front to the camera at -y
        return _standing(piece.moved(turn("z", draw.between(-25, 25)) @ turn("x", 90)))
    return _pair(item, piece, draw)


def _standing(jewel: Jewel) -> Laid:
    points = jewel.points()
    return Laid(jewel, float(points[:, 2].min()), points)


def _necklace(item: Description, jewel: Jewel, *, close: bool) -> Laid:
    points = jewel.points()
    reach = {"pendant": 26.0, "station": 20.0 if close else 44.0}.get(
        item.style, 5.0 + 1.2 * item.size if close else 1000.0
    )
    return Laid(jewel, float(points[:, 2].min()), points[points[:, 1] < points[:, 1].min() + reach])


def _pair(item: Description, piece: Jewel, draw: Draw) -> Laid:
    both = Jewel()
    if item.style in ("hoop", "huggie"):
        # standing on the table, a little turned towards each other
        low, high = piece.bounds()
        apart = 0.55 * (high[1] - low[1])
        for side in (-1, 1):
            rotation = turn("z", -90 + side * draw.between(18, 42))
            centre = np.array([0, (low[1] + high[1]) / 2, 0])
            both.place(piece, rotation, np.array([side * apart, side * 2.0, 0]) - rotation @ centre)
        return _standing(both)
    low, high = piece.bounds()
    apart = 0.5 * (high[0] - low[0]) + draw.between(1.5, 4.0)
    for side in (-1, 1):
        both.place(piece, turn("z", side * draw.between(-2, 10)), (side * apart, 0, 0))
    points = both.points()
    lowest = min(0.0, float(points[:, 2].min()))
    front = points[points[:, 2] > -0.5]
    ground = 0.0 if item.style == "stud" else _under_drop(both, lowest)
    return Laid(both, ground, front)


def _under_drop(both: Jewel, lowest: float) -> float:
    """Height of the lowest part that is neither post nor clutch."""
    heights = [part.mesh.vertices[:, 2].min() for part in both.parts if part.name not in ("post", "clutch")]
    return max(lowest, float(min(heights)))
