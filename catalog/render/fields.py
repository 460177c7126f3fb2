"""Smooth bodies as signed distance fields on a grid, and their surface as a mesh.

The surface is that of naive surface nets (Gibson, "Constrained Elastic Surface Nets", 1998): one vertex in
each cell that the surface crosses, at the mean of the crossings of its edges; a quad across each such edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from catalog.render.mesh import Array, Indices, Mesh

Point = Sequence[float]


class Field:
    """Signed distances on a regular grid, negative inside; shapes are blended into it one after the other.

    Args:
        low: lowest corner in millimetres.
        high: highest corner.
        step: edge of a cell.
    """

    def __init__(self, low: Point, high: Point, step: float) -> None:
        self.low, self.step = np.asarray(low, dtype=float), step
        axes = [np.arange(a, b, step) for a, b in zip(low, high, strict=True)]
        self.x, self.y, self.z = np.meshgrid(*axes, indexing="ij", sparse=True)
        self.values = np.full([len(axis) for axis in axes], 1e3)

    def capsule(
        self, a: Point, b: Point, radii: tuple[float, float], *, blend: float = 2.0, flat: float = 1.0
    ) -> None:
        """Add a rod from `a` to `b` with the radius of each end; `flat` below 1 presses it along z."""
        wide, narrow = radii
        ax, ay, az = a
        dx, dy, dz = (float(q) - float(p) for p, q in zip(a, b, strict=True))
        px, py, pz = self.x - ax, self.y - ay, (self.z - az) / flat
        dz /= flat
        along = np.clip((px * dx + py * dy + pz * dz) / (dx * dx + dy * dy + dz * dz), 0, 1)
        distance = np.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2 + (pz - along * dz) ** 2)
        self.blend((distance - (wide + (narrow - wide) * along)) * min(flat, 1.0), blend)

    def ellipsoid(self, centre: Point, radii: Point, blend: float = 2.0, *, carve: bool = False) -> None:
        """Add an ellipsoid, or take it away with `carve`."""
        scaled = [(axis - c) / r for axis, c, r in zip((self.x, self.y, self.z), centre, radii, strict=True)]
        distance = (np.sqrt(sum(part**2 for part in scaled)) - 1) * min(radii)
        if carve:
            self.values = -_smooth_minimum(-self.values, distance, blend)
        else:
            self.blend(distance, blend)

    def blend(self, distance: Array, width: float) -> None:
        """Unite with another field, rounding the seam over `width` millimetres."""
        self.values = _smooth_minimum(self.values, distance, width)

    def at(self, points: Array) -> Array:
        """Signed distances [k] at points [k, 3]; those outside the grid get the nearest value on it."""
        place = (points - self.low) / self.step
        return np.asarray(map_coordinates(self.values, place.T, order=1, mode="nearest"))

    def outward(self, points: Array) -> Array:
        """Unit vectors [k, 3] away from the body."""
        e = self.step
        slope = np.stack(
            [self.at(points + shift) - self.at(points - shift) for shift in np.eye(3) * e], axis=1
        )
        return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=1, keepdims=True), 1e-9))

    def taut(self, line: Array, rounds: int, pinned: NDArray[np.bool_]) -> Array:
        """A closed line [m, 3] pulled tight round the body, as a chain lies; `pinned` [m] points stay."""
        for _ in range(rounds):
            pulled = (np.roll(line, 1, axis=0) + np.roll(line, -1, axis=0)) / 2
            line = np.where(pinned[:, None], line, pulled)
            for _ in range(2):
                line = line - self.outward(line) * np.minimum(self.at(line), 0.0)[:, None]
        return line

    def surface(self) -> Mesh:
        """The surface as a mesh with smooth normals; open where it leaves the grid."""
        inside = self.values < 0
        shape = np.array(self.values.shape) - 1
        total, count = np.zeros((*shape, 3)), np.zeros(shape)
        for axis in range(3):
            crossing, share = self._crossings(axis)
            others = [k for k in range(3) if k != axis]
            for u in (0, 1):
                for v in (0, 1):
                    # cells next to an edge: the edge lies at offset u, v of the cell
                    window = [slice(None)] * 3
                    window[others[0]] = slice(u, u + shape[others[0]])
                    window[others[1]] = slice(v, v + shape[others[1]])
                    mask = crossing[tuple(window)]
                    count += mask
                    total[..., axis] += mask * share[tuple(window)]
                    total[..., others[0]] += mask * u
                    total[..., others[1]] += mask * v
        used = count > 0
        number = np.full(shape, -1)
        number[used] = np.arange(int(used.sum()))
        cells = np.argwhere(used)
        vertices = self.low + (cells + total[used] / count[used][:, None]) * self.step
        faces = np.concatenate([self._quads(axis, number, inside) for axis in range(3)])
        return Mesh.smooth(vertices, faces, crease=180)

    def _crossings(self, axis: int) -> tuple[Array, Array]:
        ahead = np.moveaxis(self.values, axis, 0)
        a, b = ahead[:-1], ahead[1:]
        crossing = (a < 0) != (b < 0)
        share = np.where(crossing, a / np.where(crossing, a - b, 1.0), 0.0)
        return np.moveaxis(crossing, 0, axis), np.moveaxis(share, 0, axis)

    def _quads(self, axis: int, number: Indices, inside: NDArray[np.bool_]) -> Indices:
        """Two triangles across each edge along `axis` that the surface crosses."""
        flags = np.moveaxis(inside, (axis, (axis + 1) % 3, (axis + 2) % 3), (0, 1, 2))
        cells = np.moveaxis(number, (axis, (axis + 1) % 3, (axis + 2) % 3), (0, 1, 2))
        crossing = flags[:-1, 1:-1, 1:-1] != flags[1:, 1:-1, 1:-1]
        i, j, k = np.nonzero(crossing)
        corners = [cells[i, j, k], cells[i, j + 1, k], cells[i, j + 1, k + 1], cells[i, j, k + 1]]
        outward = flags[:-1, 1:-1, 1:-1][crossing]
        quad = np.stack(corners, axis=1)
        quad = np.where(outward[:, None], quad, quad[:, ::-1])
        return np.concatenate([quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]])


def _smooth_minimum(a: Array, b: Array, width: float) -> Array:
    """Polynomial smooth minimum (Quilez): as `minimum`, rounded where the two are within `width`."""
    share = np.clip(0.5 + 0.5 * (b - a) / width, 0, 1)
    return np.asarray(b * (1 - share) + a * share - width * share * (1 - share))
