"""The scene that a ray tracer is tried on: small, with every kind of material that products are made of."""

from __future__ import annotations

import numpy as np

from catalog.render.camera import Camera
from catalog.render.draw import Draw
from catalog.render.light import studio
from catalog.render.materials import Material, gem, metal
from catalog.render.scene import Scene, Solid

_PANE = np.array([(-1, 0, -1), (1, 0, -1), (1, 0, 1), (-1, 0, -1), (1, 0, 1), (-1, 0, 1)], dtype=float)


def trial_scene() -> Scene:
    """Panes of metal, gem, pearl, skin and cloth in a row over a textured ground."""
    camera = Camera(np.array([0.0, -30.0, 4.0]), np.zeros(3), np.array([0.0, 0.0, 1.0]), 30.0, 0.2)
    scene = Scene(camera, studio(Draw("trial")))
    row = (
        metal("yellow gold", 14),
        gem("ruby"),
        Material("pearl", (0.6, 0.57, 0.52), 0.22),
        Material("skin", (0.6, 0.4, 0.3), 0.5),
        Material("cloth", (0.1, 0.1, 0.3), 0.8),
    )
    for number, material in enumerate(row):
        corners = _PANE + np.array([3.0 * number - 6.0, 0.3 * number, 0.0])
        scene.solids.append(Solid(corners, np.tile([0.0, -1.0, 0.0], (6, 1)), material))
    texture = np.linspace(0.1, 0.9, 48).reshape(4, 4, 3)
    scene.add_ground(-2.0, Material("polished", (0.5, 0.5, 0.5), 0.3, texture=texture))
    return scene
