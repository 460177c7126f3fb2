"""Boxes under a projective map of the screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.screenshots.box import Box, Point

Matrix = npt.NDArray[np.float64]


def homography(source: tuple[Point, ...], target: tuple[Point, ...]) -> Matrix:
    """The 3x3 matrix that maps four points onto four others, by the direct linear transform.

    Hartley and Zisserman, Multiple View Geometry, 4.1, with the last entry fixed to 1.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved = np.linalg.solve(np.array(rows, float), np.array(values, float))
    return np.append(solved, 1.0).reshape(3, 3)


def move(point: Point, matrix: Matrix) -> Point:
    """One point mapped by `matrix`."""
    x, y, w = matrix @ np.array([point[0], point[1], 1.0])
    return float(x / w), float(y / w)


def move_box(box: Box, matrix: Matrix, size: tuple[int, int], keep: float = 0.05) -> Box | None:
    """The box after the map on a picture of `size`: corners exact, pixels the upright box around them.

    None where less than `keep` of the object is still visible.
    """
    points = [move(corner, matrix) for corner in box.corners]
    corners = (points[0], points[1], points[2], points[3])
    whole = _area(points)
    inside = _clipped(points, size)
    if len(inside) < 3 or whole <= 0:
        return None
    part = _area(inside) / whole
    xs, ys = [x for x, _ in inside], [y for _, y in inside]
    pixels = (
        max(round(min(xs)), 0),
        max(round(min(ys)), 0),
        min(round(max(xs)), size[0]),
        min(round(max(ys)), size[1]),
    )
    if part * box.visible < keep or pixels[0] >= pixels[2] or pixels[1] >= pixels[3]:
        return None
    return replace(box, pixels=pixels, size=size, visible=box.visible * part, corners=corners)


def _area(points: list[Point]) -> float:
    ahead = points[1:] + points[:1]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(points, ahead, strict=True))) / 2


def _clipped(points: list[Point], size: tuple[int, int]) -> list[Point]:
    """Sutherland-Hodgman against the four edges of the picture."""
    for axis, limit, sign in (
        (0, 0.0, 1.0),
        (0, float(size[0]), -1.0),
        (1, 0.0, 1.0),
        (1, float(size[1]), -1.0),
    ):
        result: list[Point] = []
        for here, ahead in zip(points, points[1:] + points[:1], strict=True):
            a, b = (here[axis] - limit) * sign, (ahead[axis] - limit) * sign
            if a >= 0:
                result.append(here)
            if (a < 0) != (b < 0):
                t = a / (a - b)
                result.append((here[0] + t * (ahead[0] - here[0]), here[1] + t * (ahead[1] - here[1])))
        points = result
    return points
