"""Looks of social apps: curves by colour, a vignette, faded blacks, black and gold."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops

# Each look: for red, green and blue the output at inputs 0, 64, 128, 192, 255; then its vignette.
_LOOKS: dict[str, tuple[tuple[tuple[int, ...], ...], float]] = {
    "warm": (((12, 84, 152, 212, 255), (6, 66, 132, 196, 250), (0, 48, 108, 172, 232)), 0.15),
    "cold": (((0, 54, 118, 184, 244), (4, 64, 130, 194, 250), (18, 84, 148, 210, 255)), 0.1),
    "faded": (((38, 88, 140, 192, 236), (36, 86, 138, 190, 234), (42, 90, 140, 188, 230)), 0.0),
    "vivid": (((0, 50, 130, 212, 255), (0, 50, 130, 212, 255), (0, 52, 130, 208, 255)), 0.2),
    "film": (((16, 72, 138, 200, 248), (12, 64, 130, 196, 244), (26, 72, 124, 182, 226)), 0.3),
    "rose": (((14, 80, 150, 212, 255), (4, 58, 122, 186, 244), (12, 70, 134, 196, 250)), 0.12),
    "noir": (((0, 44, 124, 206, 255),) * 3, 0.35),
}


def look(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """One of seven looks at 40 to 100 % of its strength; `noir` takes at most 60 % of the colour away."""
    names = sorted(_LOOKS)
    name = names[int(rng.integers(len(names)))]
    curves, vignette = _LOOKS[name]
    strength = float(rng.uniform(0.4, 1.0))
    table = [
        round(value) for curve in curves for value in np.interp(range(256), (0, 64, 128, 192, 255), curve)
    ]
    base = image
    if name == "noir":
        base = Image.blend(image, image.convert("L").convert("RGB"), 0.6)
    filtered = base.point(table)
    if vignette:
        filtered = ImageChops.multiply(filtered, _vignette(image.size, vignette))
    return Image.blend(image, filtered, strength)


def _vignette(size: tuple[int, int], strength: float) -> Image.Image:
    """Darker towards the corners, white in the middle."""
    ring = Image.radial_gradient("L").resize(size, Image.Resampling.BILINEAR)
    dark = ring.point([255 - round(strength * max(level - 70, 0)) for level in range(256)])
    return Image.merge("RGB", [dark] * 3)
