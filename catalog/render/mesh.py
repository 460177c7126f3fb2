"""Closed triangle meshes, and the jewel as a list of named parts. Units are millimetres."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Mesh:
    """A surface of triangles, counter-clockwise seen from outside.

    Attributes:
        vertices: [n, 3].
        faces: [m, 3] indices into `vertices`; shared vertices are welded, so that edges can be counted.
        normals: [m, 3, 3], one for each corner of each face; unit length.
    """

    vertices: Array
    faces: Indices
    normals: Array

    @staticmethod
    def flat(vertices: Array, faces: Indices) -> Mesh:
        """Every face with its own normal, as on a cut stone."""
        return Mesh(vertices, faces, np.repeat(_face_normals(vertices, faces)[:, None], 3, axis=1))

    @staticmethod
    def smooth(vertices: Array, faces: Indices, crease: float = 32.0) -> Mesh:
        """Normals averaged over each vertex, but not across edges sharper than `crease` degrees."""
        across = _face_areas(vertices, faces)
        total = np.stack(
            [
                np.bincount(faces.ravel(), np.repeat(across[:, axis], 3), len(vertices)).astype(np.float64)
                for axis in range(3)
            ],
            axis=1,
        )
        mean = _unit(total)[faces]
        own = _unit(across)[:, None]
        keep = (mean * own).sum(axis=2) > np.cos(np.radians(crease))
        return Mesh(vertices, faces, np.where(keep[..., None], mean, own))

    def placed(self, rotation: Array | None = None, shift: Sequence[float] | Array = (0, 0, 0)) -> Mesh:
        """Rotated by a [3, 3] matrix (columns are the images of the axes), then shifted."""
        if rotation is None:
            return Mesh(self.vertices + np.asarray(shift), self.faces, self.normals)
        return Mesh(self.vertices @ rotation.T + np.asarray(shift), self.faces, self.normals @ rotation.T)

    def scaled(self, factor: float) -> Mesh:
        """Larger or smaller about the origin."""
        return Mesh(self.vertices * factor, self.faces, self.normals)

    def repeated(self, rotations: Array, shifts: Array) -> Mesh:
        """Copies at `rotations` [k, 3, 3] and `shifts` [k, 3], as one mesh of k separate solids."""
        vertices = np.einsum("kij,nj->kni", rotations, self.vertices) + shifts[:, None]
        normals = np.einsum("kij,mcj->kmci", rotations, self.normals)
        steps = np.arange(len(shifts))[:, None, None] * len(self.vertices)
        return Mesh(
            vertices.reshape(-1, 3), (self.faces[None] + steps).reshape(-1, 3), normals.reshape(-1, 3, 3)
        )

    @property
    def volume(self) -> float:
        """Enclosed volume; negative where the faces look inwards."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float((a * np.cross(b, c)).sum() / 6)

    @property
    def watertight(self) -> bool:
        """Whether each directed edge is met by exactly one in the other direction."""
        edges = np.concatenate([self.faces[:, [0, 1]], self.faces[:, [1, 2]], self.faces[:, [2, 0]]])
        size = len(self.vertices)
        forward = edges[:, 0] * size + edges[:, 1]
        backward = edges[:, 1] * size + edges[:, 0]
        return len(np.unique(forward)) == len(forward) and bool(
            np.array_equal(np.sort(forward), np.sort(backward))
        )


@dataclass(frozen=True)
class Part:
    """A named solid of a jewel.

    Attributes:
        name: what it is to a goldsmith: `prong`, `rail`, `band`, `stone`, `melee`, `bead`, `chain` ...
        slot: the material it gets: `metal`, `second` (two-tone), `stone`, `accent` or `pearl`.
        mesh: its closed surface.
    """

    name: str
    slot: str
    mesh: Mesh


@dataclass
class Jewel:
    """The parts of a piece in its own frame."""

    parts: list[Part] = field(default_factory=list)

    def add(self, name: str, slot: str, mesh: Mesh) -> None:
        """Append one part."""
        self.parts.append(Part(name, slot, mesh))

    def place(
        self,
        other: Jewel | Iterable[Part],
        rotation: Array | None = None,
        shift: Sequence[float] | Array = (0, 0, 0),
        slots: dict[str, str] | None = None,
    ) -> None:
        """Append the parts of `other`, moved; `slots` renames materials."""
        parts = other.parts if isinstance(other, Jewel) else other
        for part in parts:
            slot = (slots or {}).get(part.slot, part.slot)
            self.parts.append(Part(part.name, slot, part.mesh.placed(rotation, shift)))

    def moved(self, rotation: Array | None = None, shift: Sequence[float] | Array = (0, 0, 0)) -> Jewel:
        """A moved copy."""
        copy = Jewel()
        copy.place(self, rotation, shift)
        return copy

    def named(self, *names: str) -> list[Part]:
        """The parts of these names, in order."""
        return [part for part in self.parts if part.name in names]

    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest corner [3]."""
        lows = np.array([part.mesh.vertices.min(axis=0) for part in self.parts])
        highs = np.array([part.mesh.vertices.max(axis=0) for part in self.parts])
        return lows.min(axis=0), highs.max(axis=0)

    def points(self) -> Array:
        """All vertices [n, 3]."""
        return np.concatenate([part.mesh.vertices for part in self.parts])

    def by_slot(self) -> dict[str, tuple[Array, Array]]:
        """Triangle corners and their normals, [3m, 3] each, for each material in a fixed order."""
        grouped: dict[str, tuple[list[Array], list[Array]]] = {}
        for part in self.parts:
            corners, normals = grouped.setdefault(part.slot, ([], []))
            corners.append(part.mesh.vertices[part.mesh.faces].reshape(-1, 3))
            normals.append(part.mesh.normals.reshape(-1, 3))
        return {
            slot: (np.concatenate(corners), np.concatenate(normals))
            for slot, (corners, normals) in sorted(grouped.items())
        }


def turn(axis: str, degrees: float) -> Array:
    """Rotation matrix [3, 3] about `x`, `y` or `z`, right-handed."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return {
        "x": np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]]),
        "y": np.array([[c, 0, s], [0, 1.0, 0], [-s, 0, c]]),
        "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]),
    }[axis]


def _face_areas(vertices: Array, faces: Indices) -> Array:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return np.asarray(np.cross(b - a, c - a), dtype=np.float64)


def _face_normals(vertices: Array, faces: Indices) -> Array:
    return _unit(_face_areas(vertices, faces))


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300))
