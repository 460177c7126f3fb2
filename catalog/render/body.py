"""Hands, necks, ears and wrists that wear the pieces, each in the frame of the piece it wears."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from catalog.render.chains import Way
from catalog.render.draw import Draw
from catalog.render.fields import Field
from catalog.render.materials import Colour, Material
from catalog.render.mesh import Array, Mesh
from catalog.render.primitives import ball

POSES = 5  # different hands, necks ...; a worker makes each once
FINGER = 8.5  # radius of the modelled ring finger in millimetres

_SKIN: tuple[Colour, ...] = (
    (0.80, 0.58, 0.48), (0.72, 0.48, 0.37), (0.62, 0.40, 0.29), (0.47, 0.29, 0.20), (0.33, 0.19, 0.13),
    (0.20, 0.11, 0.075), (0.84, 0.64, 0.55),
)  # fmt: skip
_POLISH: tuple[Colour, ...] = ((0.78, 0.5, 0.44), (0.55, 0.03, 0.05), (0.82, 0.62, 0.58), (0.25, 0.02, 0.06))
_HAIR: tuple[Colour, ...] = ((0.02, 0.014, 0.01), (0.09, 0.045, 0.02), (0.32, 0.2, 0.09), (0.012, 0.01, 0.01))


@dataclass(frozen=True)
class Body:
    """Meshes with their materials.

    Attributes:
        solids: skin first, then nails or hair.
        way: of a neck, where a necklace lies; None for the others.
    """

    solids: tuple[tuple[Mesh, Material], ...]
    way: Way | None = None


def hand(draw: Draw, finger: float) -> Body:
    """A hand seen from its back (+z), its ring finger along +y through a ring of inner radius `finger`."""
    skin, nails = _hand(draw.whole(0, POSES - 1))
    scale = finger / FINGER
    polish = Material("pearl", draw.pick(_POLISH), 0.12)
    return Body(((skin.scaled(scale), _skin(draw)), (nails.scaled(scale), polish)))


def wrist(draw: Draw, radius: float, *, stiff: bool) -> Body:
    """A forearm along y, +z its upper side, in a bracelet of inner `radius`.

    A flexible one lies close (its loop is `FLAT` as thick as wide). A stiff one is a circle that hangs on the
    upper side of the wrist: an ellipse of half axes a, b fits into a circle of radius r when it is lifted by
    no more than sqrt((r^2 - a^2) (a^2 - b^2)) / a.
    """
    mesh = _wrist(draw.whole(0, POSES - 1))
    half = radius * (0.86 if stiff else 0.985)
    lift = 0.96 * np.sqrt((radius**2 - half**2) * (1 - _THIN**2)) if stiff else 0.0
    return Body(((mesh.scaled(half / _WRIST).placed(shift=(0, 0, lift)), _skin(draw)),))


def ear(draw: Draw) -> Body:
    """The left side of a head: the lobe's front at z = 0 round the origin, +y up, the face towards +x."""
    skin, hair = _ear(draw.whole(0, POSES - 1))
    return Body(((skin, _skin(draw)), (hair, Material("matt", draw.pick(_HAIR), 0.45))))


def neck(draw: Draw, drop: float) -> Body:
    """Neck and breast, +y up, +z forwards; the way runs `drop` millimetres below the collar bones' notch."""
    field, mesh = _neck(draw.whole(0, POSES - 1))
    return Body(((mesh, _skin(draw)),), _round_neck(field, drop))


def _skin(draw: Draw) -> Material:
    red, green, blue = draw.pick(_SKIN)
    warm = draw.between(0.94, 1.06)
    return Material("skin", (red * warm, green, blue / warm), draw.between(0.42, 0.55))


@functools.lru_cache(maxsize=POSES)
def _hand(pose: int) -> tuple[Mesh, Mesh]:
    draw = Draw("hand", pose)
    field = Field((-62, -92, -30), (44, 84, 17), 1.25)
    nails: list[Mesh] = []
    spread = draw.between(0.02, 0.12)
    curl = draw.between(0.0, 0.35)
    for place, (x, reach, thick) in enumerate(
        ((0.0, 1.0, 1.0), (-20.5, 1.08, 1.04), (-41, 0.98, 1.02), (19, 0.8, 0.86))
    ):
        lean = (x / 20.0) * spread if place else 0.0
        drop = 0.0 if not place else draw.between(-1.5, 1.0) - 0.0025 * x * x * 0.6
        radius = (FINGER - 0.1) * thick
        ahead = np.array([np.sin(lean), np.cos(lean), 0.0])
        root = np.array([x, 0.0, drop])
        knuckle = root - ahead * 28 + [0, -3 * abs(x) / 20, 0]
        joint = root + ahead * 22 * reach
        bend = curl * draw.between(0.6, 1.4)
        down = np.array([ahead[0] * np.cos(bend), ahead[1] * np.cos(bend), -np.sin(bend)])
        last = joint + down * 24 * reach
        bend *= 1.7
        tipward = np.array([ahead[0] * np.cos(bend), ahead[1] * np.cos(bend), -np.sin(bend)])
        tip = last + tipward * 17 * reach
        field.capsule(tuple(knuckle), tuple(root), (radius * 1.13, radius), blend=3)
        field.capsule(tuple(root), tuple(joint), (radius, radius * 0.97), blend=1.5)
        field.capsule(tuple(joint), tuple(last), (radius * 0.98, radius * 0.86), blend=1.5)
        field.capsule(tuple(last), tuple(tip), (radius * 0.87, radius * 0.68), blend=1.5)
        field.ellipsoid((joint[0], joint[1], joint[2] + 0.6), (radius * 0.99, radius * 1.0, radius * 1.0), 3)
        nails.append(_nail(tip, tipward, radius * 0.7))
    field.capsule((-42, -34, -6), (-34, -84, -10), (15, 17), blend=8, flat=0.75)
    field.capsule((-18, -36, -4), (-16, -84, -8), (15, 18), blend=8, flat=0.8)
    field.capsule((4, -34, -5), (2, -84, -9), (14, 17), blend=8, flat=0.8)
    field.capsule((19, -34, -7), (14, -84, -11), (12, 15), blend=8, flat=0.8)
    nail = nails[0]
    for other in nails[1:]:
        nail = Mesh(
            np.concatenate([nail.vertices, other.vertices]),
            np.concatenate([nail.faces, other.faces + len(nail.vertices)]),
            np.concatenate([nail.normals, other.normals]),
        )
    return field.surface(), nail


def _nail(tip: Array, ahead: Array, radius: float) -> Mesh:
    side = np.array([ahead[1], -ahead[0], 0.0])
    side /= np.linalg.norm(side)
    above = np.cross(side, ahead)
    rotation = np.stack([side, ahead, above], axis=1)
    shape = ball((0, 0, 0), (radius * 0.82, radius * 1.25, radius * 0.42), 10)
    return shape.placed(rotation, tip + ahead * radius * 0.1 + above * radius * 0.72)


_WRIST = 28.6  # half width of the modelled wrist
_THIN = 0.72  # its thickness over its width
FLAT = 0.76  # the same of a flexible bracelet round it


@functools.lru_cache(maxsize=POSES)
def _wrist(pose: int) -> Mesh:
    draw = Draw("wrist", pose)
    field = Field((-58, -120, -48), (58, 110, 40), 2.0)
    swell = draw.between(1.12, 1.3)
    field.capsule((0, -150, 0), (0, -30, 0), (28.6 * swell, 28.6), blend=4, flat=_THIN)
    field.capsule((0, -30, 0), (0, 18, 0), (28.6, 28.4), blend=4, flat=_THIN)
    turned = draw.between(-4, 4)
    for x in (-24, -8, 8, 23):
        field.capsule((x * 0.55, 16, 0), (x + turned, 78, -3), (15, 13.5), blend=9, flat=0.85)
        field.capsule((x + turned, 78, -3), (x * 1.1 + turned, 130, -14), (10.5, 8.5), blend=3)
    side = draw.pick((-1.0, 1.0))
    field.capsule((side * 16, 26, -4), (side * 44, 62, -16), (13, 10.5), blend=10)
    field.capsule((side * 44, 62, -16), (side * 50, 100, -20), (10, 8), blend=4)
    # the ulna's head, the small bump on the outer side of every wrist
    field.ellipsoid((-side * 21, -18, 7), (8, 9, 11), 6)
    return field.surface()


@functools.lru_cache(maxsize=POSES)
def _neck(pose: int) -> tuple[Field, Mesh]:
    draw = Draw("neck", pose)
    field = Field((-150, -165, -112), (150, 125, 24), 3.3)
    slim = draw.between(0.92, 1.04)
    field.capsule((0, 150, -38), (0, 14, -48), (49 * slim, 51 * slim), blend=2)
    field.ellipsoid((0, -120, -90), (210, 170, 82), 26)
    for side in (-1, 1):
        field.capsule((side * 18, 60, -62), (side * 130, 6, -66), (34, 30), blend=26)
        field.capsule((side * 9, -5, -9), (side * 62, 5, -14), (3.8, 3.6), blend=13)
        field.capsule((side * 62, 5, -14), (side * 118, 22, -40), (3.6, 5), blend=13)
        # the muscles that run from the notch to behind the ears
        field.capsule((side * 8, -2, -12), (side * 44, 110, -40), (5, 7), blend=12)
    return field, field.surface()


def _round_neck(field: Field, drop: float) -> Way:
    """Round the neck and down to `drop` millimetres below the notch, pulled tight by its weight."""
    count = 300
    angle = np.arange(count) * 2 * np.pi / count
    share = (1 - np.cos(angle)) / 2
    line = np.stack(
        [
            68 * np.sin(angle),
            # over the shoulders, not through them: the sides start as high as the nape
            -drop + (drop + 62) * np.minimum(1.8 * share, 1.0) ** 0.8,
            -46 + 60 * np.cos(angle),
        ],
        axis=1,
    )
    for _ in range(3):
        line -= field.outward(line) * field.at(line)[:, None]
    low = np.minimum(np.arange(count), count - np.arange(count)) < 2
    back = np.abs(np.arange(count) - count // 2) < 20
    line = field.taut(line, 120, low | back)
    up = field.outward(line)
    for _ in range(10):
        up = (np.roll(up, 1, axis=0) + 2 * up + np.roll(up, -1, axis=0)) / 4
    return Way(line, up / np.linalg.norm(up, axis=1, keepdims=True)).even(420)


@functools.lru_cache(maxsize=POSES)
def _ear(pose: int) -> tuple[Mesh, Mesh]:
    draw = Draw("ear", pose)
    field = Field((-84, -72, -50), (60, 80, 9), 1.3)
    field.ellipsoid((30, 38, -96), (112, 132, 78), 4)  # the side of the head
    field.capsule((6, -6, -52), (110, -66, -70), (30, 28), blend=14)  # jaw
    field.capsule((-30, -30, -78), (-40, -170, -80), (46, 52), blend=16)  # neck
    field.ellipsoid((0.5, 0.5, -3.2), (8.2, 9.6, 3.4), 1.5)  # lobe
    field.ellipsoid((0, 26, -8), (14, 24, 4.0), 4)
    rim = [(10, 24, -6), (14, 38, -4), (9, 51, -2.5), (-3, 56, -2), (-13, 50, -2), (-17, 37, -2),
           (-15, 22, -3), (-10, 9, -4), (-5, 2, -4)]  # fmt: skip
    for a, b in pairwise(rim):
        field.capsule(a, b, (3.1, 3.1), blend=2.4)
    fold = [(-4, 10, -4), (-8, 22, -3.5), (-6, 35, -3.5), (1, 45, -4.5)]
    for a, b in pairwise(fold):
        field.capsule(a, b, (2.7, 2.5), blend=3)
    field.ellipsoid((3.5, 21, 1.5), (7, 10, 7), 3, carve=True)
    field.ellipsoid((11, 19, -4.5), (3.6, 6, 3.6), 3)
    field.ellipsoid((4.5, 10, -3.5), (4, 3, 3), 3)
    field.capsule((-14, 26, -14), (8, 26, -16), (7, 9), blend=6)  # where the ear grows from the head
    skin = field.surface()
    hair = Field((-86, -74, -52), (62, 82, 6), 1.9)
    back, top = draw.between(-70, -60), draw.between(112, 122)
    hair.ellipsoid((back, 30, -52), (38, 110, 46), 6)
    hair.ellipsoid((20, top, -84), (110, 62, 78), 14)
    return skin, hair.surface()
