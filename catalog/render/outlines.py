"""Girdle outlines of the ten stone shapes, seen from above: short side 1, long side along +y.

A pear's and a heart's point looks to +y and -y, as they are worn on a pendant.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from catalog.render.mesh import Array

SAMPLES = 720


@dataclass(frozen=True)
class Outline:
    """A closed curve that is star-shaped about the origin.

    Attributes:
        points: [720, 2], counter-clockwise, evenly spaced along the curve.
        length: extent along y over extent along x.
        corners: azimuths in degrees of its corners or points, empty for a round one.
    """

    points: Array
    length: float
    corners: tuple[float, ...] = ()

    def at(self, t: Array) -> Array:
        """Points [k, 2] at fractions `t` of the way round, from the first one."""
        place = np.asarray(t) % 1 * SAMPLES
        low = np.floor(place).astype(int)
        part = (place - low)[:, None]
        return np.asarray(self.points[low % SAMPLES] * (1 - part) + self.points[(low + 1) % SAMPLES] * part)

    def toward(self, azimuth: float) -> Array:
        """The point [2] in the direction of `azimuth` degrees."""
        angle = np.degrees(np.arctan2(self.points[:, 1], self.points[:, 0]))
        return np.asarray(self.points[int(np.argmin(np.abs((angle - azimuth + 180) % 360 - 180)))])

    def around(self, count: int) -> Array:
        """`count` evenly spaced points [count, 2]."""
        return self.at(np.arange(count) / count)

    def grown(self, width: float, margin: float, count: int = 120) -> Array:
        """The outline at `width` millimetres, moved outwards from the middle by `margin` [count, 2]."""
        points = self.around(count) * width
        return np.asarray(points + margin * points / np.linalg.norm(points, axis=1, keepdims=True))


@functools.lru_cache(maxsize=16)
def outline(shape: str) -> Outline:
    """The outline of a shape word; KeyError for a word that is none."""
    superellipse = {"round": (1.0, 2.0), "oval": (1.38, 2.0), "cushion": (1.06, 3.2)}
    rectangle = {
        "princess": (1.0, 0.02),
        "radiant": (1.24, 0.16),
        "emerald": (1.4, 0.18),
        "asscher": (1.0, 0.25),
    }
    if shape in superellipse:
        return _superellipse(*superellipse[shape])
    if shape in rectangle:
        return _cut_rectangle(*rectangle[shape])
    if shape == "marquise":
        return _lens(1.95)
    return {"pear": _pear, "heart": _heart}[shape]()


def _even(points: Array) -> Array:
    loop = np.concatenate([points, points[:1]])
    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    mark = np.arange(SAMPLES) / SAMPLES * way[-1]
    return np.stack([np.interp(mark, way, loop[:, axis]) for axis in range(2)], axis=1)


def _superellipse(length: float, exponent: float) -> Outline:
    angle = np.pi / 2 + np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = 0.5 * np.sign(c) * np.abs(c) ** (2 / exponent)
    y = 0.5 * length * np.sign(s) * np.abs(s) ** (2 / exponent)
    return Outline(_even(np.stack([x, y], axis=1)), length)


def _arc(height: float) -> Array:
    """Half a lens: x from 0 over 0.5 to 0, y from +height to -height, left of the axis."""
    radius = (height * height + 0.25) / 1.0
    y = np.linspace(height, -height, 1200)
    return np.stack([-(np.sqrt(radius * radius - y * y) - (radius - 0.5)), y], axis=1)


def _lens(length: float) -> Outline:
    left = _arc(length / 2)
    return Outline(_even(np.concatenate([left[:-1], -left[:-1]])), length, (90.0, 270.0))


def _pear() -> Outline:
    length = 1.5
    reach = length - 0.5
    shoulder = _arc(reach)[:600]
    turn = np.linspace(np.pi, 2 * np.pi, 800)
    belly = 0.5 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    right = shoulder[::-1] * np.array([-1.0, 1.0])
    points = np.concatenate([shoulder, belly[1:-1], right[:-1]])
    points[:, 1] -= (reach - 0.5) * 0.3
    return Outline(_even(points), length, (90.0,))


def _heart() -> Outline:
    t = np.linspace(0, 2 * np.pi, 4000, endpoint=False) + np.pi
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    points = np.stack([-x, y], axis=1)
    points = (points - (points.max(axis=0) + points.min(axis=0)) / 2) / np.ptp(points[:, 0])
    points[:, 1] += 0.06  # the middle of the stone lies below the cleft
    if _turns_clockwise(points):
        points = np.concatenate([points[:1], points[:0:-1]])
    return Outline(_even(points), 0.93, (270.0, 90.0))


def _cut_rectangle(length: float, corner: float) -> Outline:
    x, y, c = 0.5, 0.5 * length, corner
    points = np.array(
        [
            [0, y],
            [-x + c, y],
            [-x, y - c],
            [-x, -y + c],
            [-x + c, -y],
            [x - c, -y],
            [x, -y + c],
            [x, y - c],
            [x - c, y],
        ]
    )
    angle = float(np.degrees(np.arctan2(y - c / 2, x - c / 2)))
    return Outline(_even(points), length, (angle, 180 - angle, 180 + angle, 360 - angle))


def _turns_clockwise(points: Array) -> bool:
    x, y = points[:, 0], points[:, 1]
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) < 0
