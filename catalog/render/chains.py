"""Chains along a way, pearls on a string, clasps and loops.

A way is where a chain lies: its points, and the direction away from the skin or the table at each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render.mesh import Array, Jewel, Mesh
from catalog.render.primitives import ball, circle, frames, loft, rounded, sweep


@dataclass(frozen=True)
class Way:
    """A line in space that chains follow.

    Attributes:
        points: [m, 3], the first where a pendant hangs.
        up: [m, 3], away from what it lies on.
        closed: whether the last point joins the first.
    """

    points: Array
    up: Array
    closed: bool = True

    @property
    def length(self) -> float:
        """In millimetres."""
        return float(self._marks()[-1])

    def _marks(self) -> Array:
        points = np.concatenate([self.points, self.points[:1]]) if self.closed else self.points
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    def at(self, places: Array) -> tuple[Array, Array]:
        """Points and up vectors [k, 3] at these distances from the start."""
        marks = self._marks()
        ends = [np.concatenate([v, v[:1]]) if self.closed else v for v in (self.points, self.up)]
        points, up = (
            np.stack([np.interp(places, marks, values[:, axis]) for axis in range(3)], axis=1)
            for values in ends
        )
        return points, up / np.linalg.norm(up, axis=1, keepdims=True)

    def even(self, count: int) -> Way:
        """The same line with `count` evenly spaced points."""
        last = self.length * (1 - 1 / count) if self.closed else self.length
        points, up = self.at(np.linspace(0, last, count))
        return Way(points, up, self.closed)

    def raised(self, height: float) -> Way:
        """Moved away from what it lies on."""
        return Way(self.points + self.up * height, self.up, self.closed)


def flat_loop(width: float, height: float, sharpness: float, count: int = 400) -> Way:
    """A closed loop on a table: lowest point at the origin, extent `height` along +y.

    `sharpness` 1 is an ellipse; below it the bottom comes to a V, as under the weight of a pendant.
    """
    angle = np.arange(count) * 2 * np.pi / count
    x = width / 2 * np.sin(angle)
    y = height * ((1 - np.cos(angle)) / 2) ** sharpness
    points = np.stack([x, y, np.zeros(count)], axis=1)
    return Way(points, np.tile([0.0, 0.0, 1.0], (count, 1)))


def chain(kind: str, way: Way, width: float) -> Jewel:
    """A chain of `width` mm along the way.

    Raises:
        KeyError: `kind` is no word of CHAINS.
    """
    return {
        "cable": lambda: linked(way, width, (1.45,), 0.15),
        "figaro": lambda: linked(way, width, (1.4, 1.4, 1.4, 2.7), 0.15),
        "paperclip": lambda: linked(way, width, (3.2,), 0.13),
        "rope": lambda: _rope(way, width),
        "box": lambda: _box(way, width),
        "snake": lambda: _snake(way, width),
    }[kind]()


def link(length: float, width: float, wire: float, *, around: int = 8, along: int = 18) -> Mesh:
    """One oval link in the plane z = 0, its long side along x."""
    angle = np.arange(along) * 2 * np.pi / along
    c, s = np.cos(angle), np.sin(angle)
    power = 2 / 2.7
    path = np.stack(
        [
            (length / 2 - wire) * np.sign(c) * np.abs(c) ** power,
            (width / 2 - wire) * np.sign(s) * np.abs(s) ** power,
            np.zeros(along),
        ],
        axis=1,
    )
    return sweep(path, circle(wire, around), closed=True, crease=60)


def linked(
    way: Way, width: float, lengths: tuple[float, ...], wire: float, *, second: str = "metal"
) -> Jewel:
    """Oval links, each through the next; `lengths` and `wire` (radius) are shares of `width`.

    Two links are taut when their centres are as far apart as their half lengths less four wire radii; a
    little less leaves them play. On a closed way the number of links is even, so that they alternate.
    """
    radius = wire * width
    halves = np.array(lengths) * width / 2
    pitches = halves + np.roll(halves, -1) - 4.15 * radius
    period = len(lengths) * (2 if len(lengths) % 2 else 1)
    repeats = max(1, round(way.length / (pitches.sum() * period / len(lengths))))
    count = repeats * period
    steps = np.tile(pitches, count // len(lengths))
    total = steps.sum() if way.closed else steps[:-1].sum()
    places = np.concatenate([[0.0], np.cumsum(steps)[:-1]]) * way.length / total
    points, up = way.at(places)
    ahead, _ = way.at(np.minimum(places + 0.5 * radius, way.length))
    behind, _ = way.at(np.maximum(places - 0.5 * radius, 0.0))
    forward = (ahead - behind) / np.linalg.norm(ahead - behind, axis=1, keepdims=True)
    up = up - (up * forward).sum(axis=1, keepdims=True) * forward
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    side = np.cross(up, forward)
    # links stand alternately at +45 and -45 degrees, as a chain lies on a table
    sign = np.where(np.arange(count) % 2, -1.0, 1.0)[:, None]
    tilted, lifted = (side + sign * up) / np.sqrt(2), (up - sign * side) / np.sqrt(2)
    rotations = np.stack([forward, tilted, lifted], axis=2)
    jewel = Jewel()
    fine = (8, 18) if width >= 2 else (6, 14)
    for kind, share in enumerate(lengths):
        one = link(share * width, width, radius, around=fine[0], along=fine[1])
        for parity, slot in ((0, "metal"), (1, second)):
            mine = np.flatnonzero(
                (np.arange(count) % len(lengths) == kind) & (np.arange(count) % 2 == parity)
            )
            if len(mine):
                jewel.add("chain", slot, one.repeated(rotations[mine], points[mine]))
    return jewel


def _rope(way: Way, width: float) -> Jewel:
    turns = max(4, round(way.length / (1.7 * width)))
    line = way.even(turns * 10)
    side, lift = frames(line.points, closed=way.closed, up=line.up)
    jewel = Jewel()
    phase = np.arange(turns * 10) * 2 * np.pi / 10
    for strand in range(2):
        at = (phase + strand * np.pi)[:, None]
        path = line.points + 0.25 * width * (np.cos(at) * side + np.sin(at) * lift)
        out = np.cos(at) * side + np.sin(at) * lift
        jewel.add(
            "chain", "metal", sweep(path, circle(0.27 * width, 7), closed=way.closed, up=out, crease=60)
        )
    return jewel


def _box(way: Way, width: float) -> Jewel:
    count = 2 * round(way.length / (0.93 * width) / 2)
    line = way.even(count)
    side, lift = frames(line.points, closed=way.closed, up=line.up)
    forward = np.cross(side, lift)
    half = width / 2
    one = loft(
        np.stack(
            [
                np.concatenate([np.full((12, 1), x), rounded(width * s, width * s, 7, 12)], axis=1)
                for x, s in ((-half, 0.8), (-0.8 * half, 1.0), (0.8 * half, 1.0), (half, 0.8))
            ]
        ),
        closed=False,
        crease=25,
    )
    # every other cube is a quarter shorter across, so that the chain reads as separate boxes
    thin = Mesh(one.vertices * np.array([1.0, 0.72, 0.72]), one.faces, one.normals)
    rotations = np.stack([forward, side, lift], axis=2)
    jewel = Jewel()
    jewel.add("chain", "metal", one.repeated(rotations[::2], line.points[::2]))
    jewel.add("chain", "metal", thin.repeated(rotations[1::2], line.points[1::2]))
    return jewel


def _snake(way: Way, width: float) -> Jewel:
    rings = round(way.length / (0.55 * width))
    line = way.even(rings * 4)
    scale = np.tile([0.9, 1.0, 1.0, 0.9], rings)
    jewel = Jewel()
    mesh = sweep(line.points, circle(width / 2, 12), closed=way.closed, up=line.up, scale=scale, crease=20)
    jewel.add("chain", "metal", mesh)
    return jewel


def pearls(way: Way, diameter: float) -> Jewel:
    """Pearls that touch, knotted on silk, with a metal ball as clasp opposite the start."""
    count = int(way.length / diameter)
    line = way.even(count)
    jewel = Jewel()
    clasp = count // 2
    keep = np.arange(count) != clasp
    one = ball((0, 0, 0), diameter / 2, 14)
    upright = np.broadcast_to(np.eye(3), (count - 1, 3, 3))
    jewel.add("pearl", "pearl", one.repeated(upright, line.points[keep]))
    jewel.add("clasp", "metal", ball(line.points[clasp], diameter * 0.5, 12))
    return jewel


def clasp(way: Way, width: float) -> Jewel:
    """A spring ring round the chain opposite the start."""
    half = way.length / 2
    point, up = way.at(np.array([half]))
    ahead, _ = way.at(np.array([half + 1.0]))
    forward = (ahead[0] - point[0]) / np.linalg.norm(ahead[0] - point[0])
    side = np.cross(up[0], forward)
    side /= np.linalg.norm(side)
    reach = max(1.6 * width, 2.2)
    mesh = link(2 * reach, 1.8 * reach, 0.28 * reach, around=10, along=24)
    rotation = np.stack([forward, side, np.cross(forward, side)], axis=1)
    jewel = Jewel()
    jewel.add("clasp", "metal", mesh.placed(rotation, point[0]))
    jewel.add("clasp", "metal", ball(point[0] + side * (0.9 * reach - 0.1), 0.36 * reach, 8))
    return jewel
