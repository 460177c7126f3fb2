"""Solids that everything else is put together from: lofts, sweeps, balls, plates, turned parts."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from catalog.render.mesh import Array, Mesh


def loft(sections: Array, *, closed: bool, crease: float = 32.0) -> Mesh:
    """A solid through `sections` [m, k, 3], each a closed curve of k points.

    With `closed` the last section joins the first; else both ends get a flat lid.
    """
    count, around, _ = sections.shape
    i = np.arange(count if closed else count - 1)[:, None]
    k = np.arange(around)[None]
    a, b = i * around + k, (i + 1) % count * around + k
    c, d = (i + 1) % count * around + (k + 1) % around, i * around + (k + 1) % around
    faces = [np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([a, c, d], axis=-1).reshape(-1, 3)]
    vertices = [sections.reshape(-1, 3)]
    if not closed:
        ring = np.arange(around)
        first, last = count * around, count * around + 1
        vertices.append(np.stack([sections[0].mean(axis=0), sections[-1].mean(axis=0)]))
        faces.append(np.stack([np.full(around, first), ring, (ring + 1) % around], axis=1))
        end = ring + (count - 1) * around
        after = (ring + 1) % around + (count - 1) * around
        faces.append(np.stack([np.full(around, last), after, end], axis=1))
    return _outward(np.concatenate(vertices), np.concatenate(faces), crease)


def sweep(
    path: Array,
    profile: Array,
    *,
    closed: bool,
    up: Sequence[float] | Array = (0, 0, 1),
    scale: Array | None = None,
    crease: float = 32.0,
) -> Mesh:
    """`profile` [k, 2] carried along `path` [m, 3].

    The profile's first axis points sideways (up x tangent), the second along `up`, which is
    made square to the path. `scale` [m] or [m, 2] widens the profile on its way.
    """
    side, lift = frames(path, closed=closed, up=up)
    factors = np.ones((len(path), 2)) if scale is None else np.asarray(scale, dtype=float)
    if factors.ndim == 1:
        factors = np.stack([factors, factors], axis=1)
    sections = (
        path[:, None]
        + (profile[None, :, :1] * factors[:, None, :1]) * side[:, None]
        + (profile[None, :, 1:] * factors[:, None, 1:]) * lift[:, None]
    )
    return loft(sections, closed=closed, crease=crease)


def frames(path: Array, *, closed: bool, up: Sequence[float] | Array) -> tuple[Array, Array]:
    """Unit vectors sideways and upwards [m, 3] of each point, both square to the path."""
    tangent = tangents(path, closed=closed)
    lift = np.broadcast_to(np.asarray(up, dtype=float), path.shape)
    lift = lift - (lift * tangent).sum(axis=1, keepdims=True) * tangent
    lift = lift / np.linalg.norm(lift, axis=1, keepdims=True)
    return np.cross(lift, tangent), lift


def tangents(path: Array, *, closed: bool) -> Array:
    """Unit directions [m, 3] along a path."""
    if closed:
        step = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        step = np.asarray(np.gradient(path, axis=0))
    return np.asarray(step / np.linalg.norm(step, axis=1, keepdims=True))


def circle(radius: float, count: int = 12) -> Array:
    """A round profile [count, 2]."""
    angle = np.arange(count) * 2 * np.pi / count
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def rounded(width: float, height: float, exponent: float = 3.0, count: int = 20) -> Array:
    """A superellipse profile [count, 2]: 2 is an ellipse, larger exponents are boxier."""
    angle = (np.arange(count) + 0.5) * 2 * np.pi / count
    c, s = np.cos(angle), np.sin(angle)
    return np.stack(
        [
            width / 2 * np.sign(c) * np.abs(c) ** (2 / exponent),
            height / 2 * np.sign(s) * np.abs(s) ** (2 / exponent),
        ],
        axis=1,
    )


def wire(path: Array, radius: float, *, count: int = 10, round_ends: bool = True) -> Mesh:
    """An open round wire along `path`; its ends are rounded off, never open."""
    path = np.asarray(path, dtype=float)
    scale = np.ones(len(path))
    if round_ends:
        first, last = path[0] - path[1], path[-1] - path[-2]
        first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
        angle = np.array([0.12, 0.5, 1.0])
        bulge = radius * np.cos(angle)[:, None]
        path = np.concatenate([path[:1] + first * bulge, path, path[-1:] + last * bulge[::-1]])
        scale = np.concatenate([np.sin(angle), scale, np.sin(angle)[::-1]])
    tangent = tangents(path, closed=False)
    # the axis least along the wire is never parallel to it for the gentle curves used here
    up = np.eye(3)[int(np.abs(tangent).max(axis=0).argmin())]
    return sweep(path, circle(radius, count), closed=False, up=up, scale=scale)


@functools.lru_cache(maxsize=8)
def _unit_ball(rows: int) -> Mesh:
    columns = 2 * rows
    polar = np.pi * np.arange(1, rows) / rows
    turn = 2 * np.pi * np.arange(columns) / columns
    rings = np.stack(
        [
            np.sin(polar)[:, None] * np.cos(turn),
            np.sin(polar)[:, None] * np.sin(turn),
            np.broadcast_to(np.cos(polar)[:, None], (rows - 1, columns)),
        ],
        axis=-1,
    )
    vertices = np.concatenate([rings.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    i, k = np.arange(rows - 2)[:, None], np.arange(columns)[None]
    a, b = i * columns + k, (i + 1) * columns + k
    c, d = (i + 1) * columns + (k + 1) % columns, i * columns + (k + 1) % columns
    k = k[0]
    top, bottom, last = len(vertices) - 2, len(vertices) - 1, (rows - 2) * columns
    faces = np.concatenate(
        [
            np.stack([a, b, c], axis=-1).reshape(-1, 3),
            np.stack([a, c, d], axis=-1).reshape(-1, 3),
            np.stack([np.full(columns, top), k, (k + 1) % columns], axis=1),
            np.stack([np.full(columns, bottom), last + (k + 1) % columns, last + k], axis=1),
        ]
    )
    return Mesh(vertices, faces, vertices[faces])


def ball(centre: Sequence[float] | Array, radius: float | Sequence[float], rows: int = 10) -> Mesh:
    """A sphere, or an ellipsoid where `radius` has three values."""
    unit = _unit_ball(rows)
    stretch = np.broadcast_to(np.asarray(radius, dtype=float), 3)
    normals = unit.normals / stretch
    normals = normals / np.linalg.norm(normals, axis=2, keepdims=True)
    return Mesh(unit.vertices * stretch + np.asarray(centre), unit.faces, normals)


def balls(centres: Array, radius: float, rows: int = 6) -> Mesh:
    """Equal spheres at `centres` [k, 3]."""
    return ball((0, 0, 0), radius, rows).repeated(np.broadcast_to(np.eye(3), (len(centres), 3, 3)), centres)


def turned(profile: Array, count: int = 32, crease: float = 32.0) -> Mesh:
    """A solid of revolution about z from `profile` [k, 2] of (radius, height), radii above zero."""
    angle = np.arange(count) * 2 * np.pi / count
    sections = np.stack(
        [
            np.stack([radius * np.cos(angle), radius * np.sin(angle), np.full(count, height)], axis=1)
            for radius, height in profile
        ]
    )
    return loft(sections, closed=False, crease=crease)


def plate(outline: Array, low: float, high: float, bevel: float = 0.15) -> Mesh:
    """A plate over `outline` [k, 2] (star-shaped about its mean) from `low` to `high`, its edges bevelled."""
    middle = outline.mean(axis=0)
    reach = np.linalg.norm(outline - middle, axis=1).mean()
    inner = middle + (outline - middle) * (1 - bevel / reach)

    def level(points: Array, height: float) -> Array:
        return np.concatenate([points, np.full((len(points), 1), height)], axis=1)

    rise = min(bevel, (high - low) / 3)
    sections = [
        level(inner, low),
        level(outline, low + rise),
        level(outline, high - rise),
        level(inner, high),
    ]
    return loft(np.stack(sections), closed=False, crease=28)


def _outward(vertices: Array, faces: Array, crease: float) -> Mesh:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    if (a * np.cross(b, c)).sum() < 0:
        faces = faces[:, ::-1]
    return Mesh.smooth(vertices, np.ascontiguousarray(faces), crease)
