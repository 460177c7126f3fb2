"""Faceted stones: girdle in the plane z = 0, table up, short side 1.

A brilliant is the intersection of half-spaces, one a facet, so it is convex and closed by construction. Facet
slopes follow the usual proportions of each cut (round: crown near 34.5, pavilion near 40.8 degrees, after
Tolkowsky); stones whose outline is not convex are built from rings of points instead.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
from scipy.spatial import ConvexHull, HalfspaceIntersection

from catalog.render.mesh import Array, Mesh
from catalog.render.outlines import Outline, outline

# table, crown height, pavilion depth: fractions of the short side
_PROPORTIONS = {
    "round": (0.56, 0.152, 0.431),
    "oval": (0.57, 0.150, 0.430),
    "cushion": (0.58, 0.150, 0.450),
    "marquise": (0.58, 0.150, 0.420),
    "pear": (0.57, 0.150, 0.430),
    "heart": (0.57, 0.140, 0.420),
    "radiant": (0.62, 0.140, 0.470),
}
GIRDLE = 0.034


@functools.lru_cache(maxsize=32)
def cut(shape: str, *, small: bool = False) -> Mesh:
    """The stone of a shape at short side 1; `small` is a melee with fewer girdle faces."""
    edge = outline(shape)
    if shape == "heart":
        return _from_rings(edge, *_PROPORTIONS[shape])
    if shape in ("emerald", "asscher"):
        return _step(edge, corner=0.18 if shape == "emerald" else 0.25)
    if shape == "princess":
        return _princess()
    table, crown, pavilion = _PROPORTIONS[shape]
    mains = 6 if small else {"marquise": 10, "pear": 10, "radiant": 8}.get(shape, 8)
    return _brilliant(edge, table, crown, pavilion, mains=mains, sides=16 if small else 64)


def depth(shape: str) -> float:
    """How far the culet lies below the girdle plane, at short side 1."""
    return float(-cut(shape).vertices[:, 2].min())


def crown(shape: str) -> float:
    """How far the table lies above the girdle plane, at short side 1."""
    return float(cut(shape).vertices[:, 2].max())


def _brilliant(
    edge: Outline, table: float, crown_height: float, pavilion: float, *, mains: int, sides: int
) -> Mesh:
    half, top = GIRDLE / 2, GIRDLE / 2 + crown_height
    culet = np.array([0.0, 0.0, -half - pavilion])
    place = np.arange(mains) / mains
    corner, between = edge.at(place), edge.at(place + 0.5 / mains)
    planes = [np.array([0, 0, 1.0, -top])]
    planes += [_wall(edge, t) for t in np.arange(sides) / sides]
    kites, lowers = [], []
    for point, t in zip(corner, place, strict=True):
        along = np.append(_tangent(edge, t), 0.0)
        upper, under = np.append(point, half), np.append(point, -half)
        kites.append(_plane(upper, upper + along, np.append(point * table, top)))
        lowers.append(_plane(under, under + along, culet))
    planes += kites + lowers
    for i in range(mains):
        j = (i + 1) % mains
        star = _meet(kites[i], kites[j], half + 0.55 * crown_height)
        lower = _meet(lowers[i], lowers[j], -half - 0.76 * pavilion)
        tables = [np.append(corner[k] * table, top) for k in (i, j)]
        planes.append(_plane(tables[0], tables[1], star))
        for k in (i, j):
            planes.append(_plane(star, np.append(corner[k], half), np.append(between[i], half)))
            planes.append(_plane(lower, np.append(corner[k], -half), np.append(between[i], -half)))
    return _intersection(planes)


def _step(edge: Outline, corner: float) -> Mesh:
    half, long = GIRDLE / 2, edge.length / 2
    reach = (0.5 + long - corner) / np.sqrt(2)
    sides = [(0, 0.5), (90, long), (180, 0.5), (270, long)] + [(a, reach) for a in (45, 135, 225, 315)]
    planes = []
    for azimuth, distance in sides:
        out = np.array([np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))])
        planes.append(np.append(out, [0.0, -distance]))
        offset, height = distance, half
        for slope in (46, 40, 33):
            planes.append(_sloped(out, slope, offset, height))
            offset, height = offset - 0.06, height + 0.06 * np.tan(np.radians(slope))
        table, offset, height = height, distance, -half
        for slope, share in ((52, 0.28), (46, 0.34), (39, 0.38)):
            planes.append(_sloped(out, -slope, offset, height))
            offset, height = offset - 0.49 * share, height - 0.49 * share * np.tan(np.radians(slope))
    planes.append(np.array([0, 0, 1.0, -table]))
    return _intersection(planes)


def _princess() -> Mesh:
    half, top = GIRDLE / 2, GIRDLE / 2 + 0.12
    diagonal = 0.5 * np.sqrt(2)
    planes = [np.array([0, 0, 1.0, -top])]
    for quarter in range(4):
        out = np.array([np.cos(quarter * np.pi / 2), np.sin(quarter * np.pi / 2)])
        angle = quarter * np.pi / 2 + np.pi / 4
        tip = np.array([np.cos(angle), np.sin(angle)])
        planes += [
            np.append(out, [0.0, -0.5]),
            _sloped(out, 39, 0.5, half),
            np.append(tip, [0.0, -diagonal + 0.012]),
        ]
        # chevrons: pairs of facets that fan out from each corner, flatter and wider towards the culet
        radii, heights = diagonal * np.array([1, 0.66, 0.36, 0]), -half - 0.56 * np.array([0, 0.45, 0.76, 1])
        for k, spread in enumerate((45, 31, 17)):
            fall = np.arctan2(
                heights[k] - heights[k + 1], (radii[k] - radii[k + 1]) * np.cos(np.radians(spread))
            )
            for side in (-1, 1):
                turn = angle + side * np.radians(spread)
                way = np.array([np.cos(turn), np.sin(turn)])
                point = np.append(tip * radii[k], heights[k])
                planes.append(_through(np.append(way * np.sin(fall), -np.cos(fall)), point))
        for side in (-1, 1):
            turn = angle + side * np.radians(24)
            way = np.array([np.cos(turn), np.sin(turn)])
            planes.append(
                _through(np.append(way * np.sin(0.6), np.cos(0.6)), np.append(tip * diagonal, half))
            )
    return _intersection(planes)


def _from_rings(edge: Outline, table: float, crown_height: float, pavilion: float) -> Mesh:
    """A brilliant over an outline that is not convex: facets between rings of points."""
    mains, fine = 18, 6
    half, top = GIRDLE / 2, GIRDLE / 2 + crown_height
    place = np.arange(mains) / mains
    corner, between = edge.at(place), edge.at(place + 0.5 / mains)
    girdle = edge.around(mains * fine)
    following = np.roll(corner, -1, axis=0)
    star = 0.5 * (0.5 * (corner + following) * table) + 0.5 * between
    lower = between * 0.25
    rings = [
        _level(np.zeros((1, 2)), top),
        _level(corner * table, top),
        _level(star, half + 0.56 * crown_height),
        _level(girdle, half),
        _level(girdle, -half),
        _level(lower, -half - 0.74 * pavilion),
        _level(np.zeros((1, 2)), -half - pavilion),
    ]
    start = np.cumsum([0] + [len(ring) for ring in rings])
    middle, tables, stars, upper, under, lowers, culet = (int(s) for s in start[:-1])
    faces: list[tuple[int, int, int]] = []
    total = mains * fine
    for i in range(mains):
        j, h = (i + 1) % mains, (i - 1) % mains
        at = i * fine
        faces += [(middle, tables + i, tables + j), (tables + i, stars + i, tables + j)]
        faces += [(tables + i, stars + h, upper + at), (tables + i, upper + at, stars + i)]
        faces += [(culet, under + at, lowers + h), (culet, lowers + i, under + at)]
        for k in range(at, at + fine):
            after = (k + 1) % total
            faces += [(stars + i, upper + k, upper + after), (lowers + i, under + after, under + k)]
            faces += [(upper + k, under + k, under + after), (upper + k, under + after, upper + after)]
    return Mesh.flat(np.concatenate(rings), np.array(faces))


def _level(points: Array, height: float) -> Array:
    return np.concatenate([points, np.full((len(points), 1), height)], axis=1)


def _tangent(edge: Outline, t: float) -> Array:
    ahead, behind = edge.at(np.array([t + 2e-3, t - 2e-3]))
    return np.asarray((ahead - behind) / np.linalg.norm(ahead - behind))


def _wall(edge: Outline, t: float) -> Array:
    along = _tangent(edge, t)
    out = np.array([along[1], -along[0]])
    reach = float((edge.points @ out).max())  # a support plane: it never cuts into the outline
    return np.append(out, [0.0, -reach])


def _plane(a: Array, b: Array, c: Array) -> Array:
    """Plane [4] through three points: n.x + d <= 0 holds inside, which the point (0, 0, -0.03) is."""
    return _through(np.cross(b - a, c - a), a)


def _through(normal: Array, point: Array) -> Array:
    normal = normal / np.linalg.norm(normal)
    distance = -float(normal @ point)
    plane = np.append(normal, distance)
    return -plane if plane @ _INSIDE > 0 else plane


def _sloped(out: Array, degrees: float, distance: float, height: float) -> Array:
    angle = np.radians(abs(degrees))
    rise = np.cos(angle) if degrees > 0 else -np.cos(angle)
    return _through(np.append(out * np.sin(angle), rise), np.append(out * distance, height))


def _meet(one: Array, other: Array, height: float) -> Array:
    """The point of two planes' common line at this height."""
    matrix = np.stack([one[:2], other[:2]])
    right = -np.array([one[3] + one[2] * height, other[3] + other[2] * height])
    return np.append(np.linalg.solve(matrix, right), height)


_INSIDE = np.array([0.0, 0.0, -0.03, 1.0])


def _intersection(planes: Iterable[Array]) -> Mesh:
    corners = HalfspaceIntersection(np.stack(list(planes)), _INSIDE[:3]).intersections
    corners = np.unique(np.round(corners, 7), axis=0)
    hull = ConvexHull(corners)
    faces = hull.simplices.astype(np.int64)
    normals = hull.equations[:, :3]
    a, b, c = (corners[faces[:, i]] for i in range(3))
    inward = (np.cross(b - a, c - a) * normals).sum(axis=1) < 0
    faces[inward] = faces[inward][:, ::-1]
    used, faces = np.unique(faces, return_inverse=True)
    return Mesh(corners[used], faces.reshape(-1, 3), np.repeat(normals[:, None], 3, axis=1))
