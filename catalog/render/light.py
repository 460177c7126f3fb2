"""Environments of light: [h, 2h, 3] panoramas, z up, made of soft boxes, windows and black flags.

Metal and stones show nothing but their surroundings, so a studio's boxes and flags are what draws them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from catalog.render.draw import Draw
from catalog.render.mesh import Array

HEIGHT = 64


class _Panorama:
    def __init__(self, base: float) -> None:
        rows = 90 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 180
        columns = (np.arange(2 * HEIGHT) + 0.5) / (2 * HEIGHT) * 360
        self.elevation, self.azimuth = np.meshgrid(rows, columns, indexing="ij")
        rise = 0.75 + 0.25 * np.clip((self.elevation + 20) / 60, 0, 1)
        self.light = np.repeat((base * rise)[..., None], 3, axis=2)

    def box(self, azimuth: float, elevation: float, width: float, height: float, soft: float) -> Array:
        """Mask [h, 2h, 1] of a box with soft edges, all in degrees."""
        aside = np.abs((self.azimuth - azimuth + 180) % 360 - 180)
        off = np.abs(self.elevation - elevation)
        mask = 1 / (1 + np.exp((aside - width) * 2 / soft)) / (1 + np.exp((off - height) * 2 / soft))
        return np.asarray(mask[..., None])

    def add(self, mask: Array, colour: float | Sequence[float]) -> None:
        self.light = self.light + mask * np.asarray(colour, dtype=float)

    def flag(self, mask: Array, strength: float = 0.93) -> None:
        self.light = self.light * (1 - strength * mask)


def studio(draw: Draw) -> Array:
    """A white tent: large boxes overhead, black flags for contrast, small lamps that make stones sparkle."""
    room = _Panorama(0.72)
    room.add(room.box(draw.between(0, 360), 64, 70, 14, 6), 3.1)
    room.add(room.box(draw.between(0, 360), 32, 24, 17, 4), 4.3)
    room.add(room.box(draw.between(0, 360), 38, 14, 25, 4), 3.4)
    for _ in range(4):
        mask = room.box(
            draw.between(0, 360), draw.between(-5, 48), draw.between(8, 20), draw.between(10, 28), 4
        )
        room.flag(mask)
    for _ in range(7):
        room.add(room.box(draw.between(0, 360), draw.between(25, 82), 2.5, 2.5, 1.5), 15.0)
    return room.light


def window(draw: Draw) -> Array:
    """A room with one bright window and a warm lamp."""
    room = _Panorama(draw.between(0.25, 0.4))
    cool = (6.6, 7.0, 7.8)
    room.add(room.box(draw.between(0, 360), draw.between(24, 40), draw.between(20, 34), 24, 3), cool)
    room.add(room.box(draw.between(0, 360), 62, 30, 12, 6), (2.3, 2.0, 1.6))
    room.add(room.box(draw.between(0, 360), draw.between(20, 60), 4, 4, 2), (9.0, 7.5, 5.5))
    for _ in range(2):
        room.flag(room.box(draw.between(0, 360), draw.between(0, 40), 18, 20, 5), 0.8)
    return room.light


def evening(draw: Draw) -> Array:
    """A dim warm room with many small lamps: strong sparkle, deep shadows."""
    room = _Panorama(0.10)
    room.add(room.box(draw.between(0, 360), 55, 38, 15, 5), (5.4, 5.0, 4.5))
    room.add(room.box(draw.between(0, 360), 30, 13, 28, 3), (6.0, 5.6, 5.2))
    for _ in range(10):
        room.add(room.box(draw.between(0, 360), draw.between(15, 80), 2.2, 2.2, 1.5), (20.0, 17.0, 13.0))
    return room.light


def daylight(draw: Draw) -> Array:
    """Open shade: a bright sky and a low sun behind thin cloud."""
    room = _Panorama(0.8)
    room.light = room.light * (1 + 1.4 * np.clip(room.elevation / 70, 0, 1))[..., None] * (0.92, 0.97, 1.06)
    room.add(room.box(draw.between(0, 360), draw.between(30, 60), 9, 9, 3), (22.0, 20.0, 17.0))
    room.flag(room.box(draw.between(0, 360), 8, 70, 14, 5), 0.75)
    return room.light


LIGHTS = {"studio": studio, "window": window, "evening": evening, "daylight": daylight}
