"""Settings: what holds a stone. The stone's girdle lies in the plane z = 0, its table up, its point to +y.

Prongs and gallery rails follow one taper, so that they meet wherever they cross; a prong's axis passes just
outside the girdle, so that the wire is notched by it, as a goldsmith would file it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render.cuts import crown, cut, depth
from catalog.render.description import PRONGS
from catalog.render.mesh import Array, Jewel, Mesh
from catalog.render.outlines import outline
from catalog.render.primitives import ball, balls, circle, loft, sweep, turned, wire

_AZIMUTHS: dict[tuple[str, int], tuple[float, ...]] = {
    ("marquise", 4): (68, 112, 248, 292),
    ("marquise", 6): (90, 40, 140, 270, 220, 320),
    ("pear", 4): (90, 195, 270, 345),
    ("pear", 6): (90, 150, 205, 270, 335, 30),
    ("heart", 4): (270, 25, 155, 90),
    ("heart", 6): (270, 5, 175, 60, 120, 90),
}
_TAPER = 0.42  # radius of a head's foot over its radius at the girdle


@dataclass(frozen=True)
class Head:
    """A stone in its setting.

    Attributes:
        jewel: its parts.
        foot: z of the lowest metal, where it joins a shank, a bail or a post.
        reach: half extent along x and along y, in millimetres, halo included.
        hook: y and z of the metal at the top, to which a loop can be soldered.
    """

    jewel: Jewel
    foot: float
    reach: tuple[float, float]
    hook: tuple[float, float]


def head(
    shape: str, width: float, setting: str, *, slot: str = "stone", metal: str = "metal", low: float = 1.0
) -> Head:
    """A set stone of short side `width` mm; `low` below 1 makes a shallower basket.

    Raises:
        KeyError: `shape` or `setting` is no word of the vocabulary.
    """
    if setting == "bezel":
        made = _bezel(shape, width, metal)
    elif setting == "halo":
        made = _halo(shape, width, metal, low)
    else:
        claw = setting == "claw"
        made = _pronged(shape, width, prongs=PRONGS[setting], metal=metal, low=low, claw=claw)
    made.jewel.add("stone", slot, cut(shape).scaled(width))
    return made


def prong_azimuths(shape: str, prongs: int) -> tuple[float, ...]:
    """Directions in degrees in which the prongs stand, `prongs` of them."""
    if (shape, prongs) in _AZIMUTHS:
        return _AZIMUTHS[shape, prongs]
    corners = outline(shape).corners
    if len(corners) == 4:
        return corners if prongs == 4 else (*corners, 0.0, 180.0)
    if prongs == 4:
        return (45, 135, 225, 315) if shape != "oval" else (52, 128, 232, 308)
    return (30, 90, 150, 210, 270, 330) if shape != "oval" else (0, 62, 118, 180, 242, 298)


def _wire_radius(width: float) -> float:
    return float(np.clip(0.05 * width + 0.12, 0.2, 0.55))


def _level(points: Array, height: float) -> Array:
    return np.concatenate([points, np.full((len(points), 1), height)], axis=1)


def _pronged(shape: str, width: float, *, prongs: int, metal: str, low: float, claw: bool = False) -> Head:
    edge, radius = outline(shape), _wire_radius(width)
    foot = -1.22 * depth(shape) * width * low
    jewel = Jewel()
    for azimuth in prong_azimuths(shape, prongs):
        jewel.add("prong", metal, _prong(shape, width, azimuth, radius=radius, foot=foot, claw=claw))
    for height in (0.52 * foot, foot):
        line = _taper_line(edge.around(96) * width, height, foot, radius)
        jewel.add("rail", metal, sweep(_level(line, height), circle(radius * 0.9, 10), closed=True))
    reach = edge.points.max(axis=0) * width + radius
    rail = _taper_line(edge.toward(90.0)[None] * width, 0.52 * foot, foot, radius)[0]
    hook = (float(rail[1]), 0.52 * foot)
    return Head(jewel, foot - 0.9 * radius, (float(reach[0]), float(reach[1])), hook)


def _taper_line(points: Array, height: float, foot: float, radius: float) -> Array:
    """Where a prong from `points` [k, 2] on the girdle has its axis at this height."""
    share = 1 - (1 - _TAPER) * np.clip(height / foot, 0, None) ** 1.25
    out = points / np.linalg.norm(points, axis=1, keepdims=True)
    return np.asarray(points * share + out * radius * 0.55)


def _prong(shape: str, width: float, azimuth: float, *, radius: float, foot: float, claw: bool) -> Mesh:
    point = outline(shape).toward(azimuth) * width
    out = point / np.linalg.norm(point)
    top = crown(shape) * width
    path = [
        np.append(_taper_line(point[None], height, foot, radius)[0], height)
        for height in np.linspace(foot, 0, 10)
    ]
    over = ((0.5, 0.35), (0.25, 0.62), (-0.35, 0.86), (-1.0, 0.98)) if not claw else (
        (0.5, 0.35), (0.2, 0.66), (-0.7, 0.92), (-1.7, 1.06), (-2.3, 1.1))  # fmt: skip
    path += [np.append(point + out * radius * shift, top * rise + 0.2 * radius) for shift, rise in over]
    count = len(path)
    thick = np.ones(count)
    if claw:
        thick[-4:] = (0.95, 0.75, 0.48, 0.22)
    else:
        thick[-3:] = (1.06, 1.1, 1.0)
    line = np.array(path)
    side = np.array([-out[1], out[0], 0.0])
    if claw:
        return sweep(line, circle(radius, 10), closed=False, up=side, scale=thick)
    ahead = (line[-1] - line[-2]) / np.linalg.norm(line[-1] - line[-2])
    angle = np.array([0.5, 1.0, 1.4])
    line = np.concatenate([line, line[-1] + ahead * radius * np.sin(angle)[:, None]])
    thick = np.concatenate([thick, np.cos(angle)])
    return sweep(line, circle(radius, 10), closed=False, up=side, scale=thick)


def _bezel(shape: str, width: float, metal: str) -> Head:
    """A closed cup: its wall stands round the girdle and its lip lies over the crown's edge."""
    edge = outline(shape)
    thick = float(np.clip(0.07 * width + 0.12, 0.25, 0.7))
    foot, lip = -1.05 * depth(shape) * width, 0.42 * crown(shape) * width
    rise = 0.03 * width
    # (margin outside the girdle, share of the girdle's size, height), round the wall's section
    section = [
        (thick, 1.0, 0.4 * foot), (thick, 1.0, 0.0), (thick, 1.0, lip * 0.8), (thick * 0.75, 1.0, lip),
        (0.1 * thick, 0.985, lip), (-0.15 * thick, 0.975, lip * 0.85), (-0.02, 1.0, rise),
        (-0.02, 1.0, -rise), (-0.2 * thick, 0.84, 0.36 * foot), (-0.2 * thick, 0.5, foot),
        (thick, 0.5, foot),
    ]  # fmt: skip
    points = edge.around(140) * width
    out = points / np.linalg.norm(points, axis=1, keepdims=True)
    sections = np.stack([_level(points * share + out * margin, z) for margin, share, z in section], axis=1)
    jewel = Jewel()
    jewel.add("bezel", metal, loft(sections, closed=True, crease=25))
    reach = edge.points.max(axis=0) * width + thick
    hook = (float(edge.toward(90.0)[1]) * width + 0.6 * thick, 0.2 * foot)
    return Head(jewel, foot, (float(reach[0]), float(reach[1])), hook)


def _halo(shape: str, width: float, metal: str, low: float) -> Head:
    """Four prongs within a ring of melee, which sit in a groove of the halo's plate."""
    made = _pronged(shape, width, prongs=4, metal=metal, low=low)
    edge = outline(shape)
    size = float(np.clip(0.21 * width, 1.0, 1.7))
    gap = 0.62 * size + 0.25 * _wire_radius(width)
    line = edge.grown(width, gap, 720)
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(line[[*range(720), 0]], axis=0), axis=1))])
    stones = int(way[-1] / (1.04 * size))
    height = -0.1 * size
    seats = _spread(line, way, stones, 0.0)
    gem = cut("round", small=True).scaled(size * 0.97)
    made.jewel.add("melee", "accent", gem.repeated(_upright(stones), _level(seats, height)))
    rim, floor, bottom = height - 0.02 * size, height - 0.5 * size, height - 0.62 * size
    half, groove = 0.60 * size, 0.46 * size
    profile = np.array(
        [(-half, bottom), (half, bottom), (half, rim - 0.1), (half - 0.06, rim), (groove, rim),
         (groove * 0.5, floor), (-groove * 0.5, floor), (-groove, rim), (-half + 0.06, rim),
         (-half, rim - 0.1)]
    )  # fmt: skip
    points = edge.around(150) * width
    out = points / np.linalg.norm(points, axis=1, keepdims=True)
    sections = np.stack([_level(points + out * (gap + shift), z) for shift, z in profile], axis=1)
    made.jewel.add("halo", metal, loft(sections, closed=True, crease=25))
    between = _spread(line, way, stones, 0.5)
    outward = between / np.linalg.norm(between, axis=1, keepdims=True)
    for side in (-1, 1):
        beads = _level(between + outward * side * 0.47 * size, rim + 0.02 * size)
        made.jewel.add("bead", metal, balls(beads, 0.125 * size, 5))
    # struts from the basket's upper rail carry the plate
    radius = _wire_radius(width)
    foot = made.foot + 0.9 * radius
    for azimuth in prong_azimuths(shape, 4):
        point = edge.toward(azimuth) * width
        start = _taper_line(point[None], 0.52 * foot, foot, radius)[0]
        end = point + point / np.linalg.norm(point) * (gap - 0.1 * size)
        path = np.linspace(np.append(start, 0.52 * foot), np.append(end, bottom + 0.05), 6)
        made.jewel.add("strut", metal, wire(path, 0.75 * radius, count=8))
    grow = gap + half
    reach = edge.points.max(axis=0) * width + grow
    hook = (float(edge.toward(90.0)[1]) * width + gap + 0.5 * half, (bottom + rim) / 2)
    return Head(made.jewel, made.foot, (float(reach[0]), float(reach[1])), hook)


def _spread(line: Array, way: Array, count: int, offset: float) -> Array:
    loop = line[[*range(len(line)), 0]]
    mark = (np.arange(count) + offset) / count * way[-1]
    return np.stack([np.interp(mark, way, loop[:, axis]) for axis in range(2)], axis=1)


def _upright(count: int) -> Array:
    return np.broadcast_to(np.eye(3), (count, 3, 3))


def pearl_cup(diameter: float, *, metal: str = "metal") -> Head:
    """A pearl, its centre at the origin, glued on the peg of a small cup below it."""
    radius = diameter / 2
    jewel = Jewel()
    jewel.add("pearl", "pearl", ball((0, 0, 0), radius, 24))
    cup = np.array(
        [(0.16, -1.2), (0.5, -1.1), (0.62, -0.86), (0.60, -0.80), (0.5, -0.84), (0.1, -0.96)]
    )  # fmt: skip
    jewel.add("cup", metal, turned(cup * radius))
    return Head(jewel, -1.2 * radius, (radius, radius), (0.0, -1.2 * radius))
