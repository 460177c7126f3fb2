"""Where the camera stands: far enough that everything given is in the frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render.mesh import Array


@dataclass(frozen=True)
class Camera:
    """A thin-lens camera; an aperture near zero has everything in focus.

    Attributes:
        origin, target: [3] in millimetres.
        up: [3].
        view: full angle of view in degrees, the same both ways.
        aperture: radius of the lens in millimetres.
    """

    origin: Array
    target: Array
    up: Array
    view: float
    aperture: float = 0.0

    @property
    def distance(self) -> float:
        """From the lens to the plane in focus, which goes through the target."""
        return float(np.linalg.norm(self.target - self.origin))


def direction(azimuth: float, elevation: float) -> Array:
    """Unit vector from the camera to what it sees; azimuth 0 looks along +y, 90 along -x."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return -np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])


def framed(
    points: Array,
    azimuth: float,
    elevation: float,
    *,
    view: float = 24.0,
    fill: float = 0.86,
    aperture: float = 0.0,
) -> Camera:
    """The camera in this direction for which `points` [n, 3] fill the share `fill` of the frame."""
    ahead = direction(azimuth, elevation)
    up = np.array([0.0, 0.0, 1.0])
    if abs(ahead[2]) > 0.985:
        a = np.radians(azimuth)
        up = np.array([-np.sin(a), np.cos(a), 0.0])
    right = np.cross(ahead, up)
    right /= np.linalg.norm(right)
    above = np.cross(right, ahead)
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = np.tan(np.radians(view / 2)) * fill
    distance = 0.0
    for _ in range(5):
        off = points - middle
        x, y, z = off @ right, off @ above, off @ ahead
        distance = max(float((np.abs(x) / reach - z).max()), float((np.abs(y) / reach - z).max()))
        px, py = x / (distance + z), y / (distance + z)
        shift = right * (px.max() + px.min()) / 2 + above * (py.max() + py.min()) / 2
        middle = middle + shift * distance
    return Camera(middle - ahead * distance, middle, above, view, aperture)
