"""Pieces as they are worn: jewel and body together, turned so that they face a camera at lower y."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render import body
from catalog.render.body import Body
from catalog.render.bracelets import INNER, bracelet
from catalog.render.description import Description
from catalog.render.draw import Draw
from catalog.render.earrings import earring
from catalog.render.mesh import Array, Jewel, turn
from catalog.render.necklaces import necklace
from catalog.render.rings import ring

PLACES = {"ring": "hand", "necklace": "neck", "earring": "ear", "bracelet": "wrist"}


@dataclass(frozen=True)
class Worn:
    """A piece on a body.

    Attributes:
        jewel: its parts.
        body: what wears it.
        focus: points [n, 3] that the picture is about.
        angles: ranges of the camera's azimuth and elevation.
        upright: whether the body stands, so that a wall and not a table is behind it.
    """

    jewel: Jewel
    body: Body
    focus: Array
    angles: tuple[float, float, float, float]
    upright: bool


def worn(item: Description, draw: Draw) -> Worn:
    """The product on a hand, a neck, an ear or a wrist."""
    return {"ring": _on_hand, "necklace": _on_neck, "earring": _on_ear, "bracelet": _on_wrist}[item.category](
        item, draw
    )


def _on_hand(item: Description, draw: Draw) -> Worn:
    piece = ring(item)
    points = piece.points()
    inner = float(np.hypot(points[:, 0], points[:, 2])[np.abs(points[:, 1]) < 0.6].min())
    angles = draw.pick(((-35.0, 30.0, 38.0, 70.0), (150.0, 215.0, 34.0, 62.0), (-80.0, -40.0, 30.0, 55.0)))
    low, high = points.min(axis=0), points.max(axis=0)
    wide = np.array([(low[0] - 9, -20, 0), (high[0] + 9, 20, high[2])])
    return Worn(piece, body.hand(draw, inner), np.concatenate([points, wide]), angles, upright=False)


def _on_wrist(item: Description, draw: Draw) -> Worn:
    stiff = item.style in ("bangle", "cuff")
    piece = bracelet(item, 1.0 if stiff else body.FLAT)
    if item.style == "cuff" and not item.shape:
        piece = piece.moved(turn("y", 150.0))
    arm = body.wrist(draw, INNER - (1.0 if item.style == "cuff" else 0.0), stiff=stiff)
    points = piece.points()
    angles = draw.pick(((-30.0, 30.0, 35.0, 65.0), (55.0, 105.0, 35.0, 60.0), (-105.0, -60.0, 35.0, 60.0)))
    return Worn(piece, arm, points[points[:, 2] > -6], angles, upright=False)


def _on_neck(item: Description, draw: Draw) -> Worn:
    drop = {"pendant": 38.0, "chain": 24.0, "pearl": 22.0, "station": 26.0}[item.style] + draw.between(0, 12)
    bust = body.neck(draw, drop)
    assert bust.way is not None
    piece = necklace(item, bust.way)
    points = piece.points()
    reach = {"pendant": 34.0, "station": 52.0}.get(item.style, 60.0)
    seen = points[(points[:, 1] < points[:, 1].min() + reach) & (points[:, 2] > -40)]
    return _standing(piece, bust, seen, (-32.0, 32.0, -2.0, 22.0))


def _on_ear(item: Description, draw: Draw) -> Worn:
    piece = earring(item)
    # the head of a stud rests on the lobe; a hoop goes through it, a little above its edge
    lift = 0.2 if item.style in ("stud", "drop") else -1.5
    rise = 2.2 if item.style == "hoop" else -2.8 if item.style == "huggie" else 0.0
    piece = piece.moved(shift=(0, rise, lift))
    points = piece.points()
    around = np.array([(-13.0, -8, 0), (15, 20, 0)])
    seen = np.concatenate([points[points[:, 2] > -4], around])
    return _standing(piece, body.ear(draw), seen, (-22.0, 32.0, -6.0, 16.0))


def _standing(piece: Jewel, wearer: Body, seen: Array, angles: tuple[float, float, float, float]) -> Worn:
    """Turn a frame with +y up and +z forwards to +z up and -y forwards."""
    up = turn("x", 90)
    solids = tuple((mesh.placed(up), material) for mesh, material in wearer.solids)
    return Worn(piece.moved(up), Body(solids), seen @ up.T, angles, upright=True)
