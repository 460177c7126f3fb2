"""A scene as plain data: what the renderer draws, whichever ray tracer is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from catalog.render.camera import Camera
from catalog.render.materials import Material
from catalog.render.mesh import Array, Jewel, Mesh


@dataclass(frozen=True)
class Solid:
    """Triangles of one material.

    Attributes:
        corners: [3m, 3], three for each triangle.
        normals: [3m, 3], unit length.
        material: of its surface.
        places: [3m, 2] texture coordinates, or None.
    """

    corners: Array
    normals: Array
    material: Material
    places: Array | None = None


@dataclass
class Scene:
    """Solids under a panorama of light, before a camera.

    Attributes:
        camera: where it is seen from.
        light: panorama [h, 2h, 3], z up.
        solids: in a fixed order, so that equal scenes give equal pictures.
        white: how bright the upper rows (a studio's ground) come out, 1 being paper white; None exposes for
            the scene as a camera's meter would.
        balance: factors on red, green and blue, a camera's white balance.
    """

    camera: Camera
    light: Array
    solids: list[Solid] = field(default_factory=list)
    white: float | None = None
    balance: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def add_jewel(self, jewel: Jewel, materials: dict[str, Material]) -> None:
        """Add a piece, one solid a material."""
        for slot, (corners, normals) in jewel.by_slot().items():
            self.solids.append(Solid(corners, normals, materials[slot]))

    def add_mesh(self, mesh: Mesh, material: Material) -> None:
        """Add one mesh."""
        self.solids.append(
            Solid(mesh.vertices[mesh.faces].reshape(-1, 3), mesh.normals.reshape(-1, 3), material)
        )

    def add_ground(self, height: float, material: Material, *, tile: float = 60.0, turn: float = 0.0) -> None:
        """Add a plane at z = `height`; its texture repeats every `tile` mm, turned by `turn` degrees."""
        reach = 4000.0
        square = _SQUARE * reach
        corners = np.concatenate([square, np.full((6, 1), height)], axis=1)
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        places = square @ np.array([[c, -s], [s, c]]) / tile
        self.solids.append(Solid(corners, np.tile([0.0, 0.0, 1.0], (6, 1)), material, places))

    def add_backdrop(self, distance: float, material: Material) -> None:
        """Add an upright plane at y = `distance`, facing the camera at lower y."""
        square = _SQUARE * 4000.0
        corners = np.stack([square[:, 0], np.full(6, distance), square[:, 1]], axis=1)
        self.solids.append(Solid(corners, np.tile([0.0, -1.0, 0.0], (6, 1)), material))


_SQUARE = np.array([(-1, -1), (1, -1), (1, 1), (-1, -1), (1, 1), (-1, 1)], dtype=float)
