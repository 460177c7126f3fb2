"""What pieces lie on: marble, wood, velvet, and an open box lined with it."""

from __future__ import annotations

import functools

import numpy as np

from catalog.render.draw import Draw
from catalog.render.materials import Colour, Material
from catalog.render.mesh import Array, Mesh
from catalog.render.primitives import loft

SURFACES = ("marble", "wood", "velvet", "box")
PATTERNS = 6  # textures of each kind; a worker makes each once
_SIZE = 384

_VELVETS: tuple[Colour, ...] = (
    (0.16, 0.012, 0.03), (0.012, 0.03, 0.12), (0.01, 0.075, 0.05), (0.02, 0.02, 0.024), (0.36, 0.26, 0.21),
    (0.42, 0.17, 0.2), (0.13, 0.08, 0.18), (0.55, 0.52, 0.48),
)  # fmt: skip


def material(kind: str, draw: Draw) -> Material:
    """The material of a surface word; for a box, its leather."""
    pattern = draw.whole(0, PATTERNS - 1)
    if kind == "marble":
        return Material("polished", (1, 1, 1), 0.22, texture=_marble(pattern))
    if kind == "wood":
        return Material("polished", (1, 1, 1), 0.42, texture=_wood(pattern))
    if kind == "box":
        return Material(
            "polished", draw.pick(((0.02, 0.02, 0.022), (0.2, 0.02, 0.03), (0.5, 0.47, 0.42))), 0.5
        )
    return velvet(draw)


def velvet(draw: Draw) -> Material:
    """Cloth of one of a few colours, with a fine uneven nap."""
    colour = np.array(draw.pick(_VELVETS))
    return Material("cloth", (1, 1, 1), 0.9, texture=_nap(draw.whole(0, PATTERNS - 1)) * colour)


def box(width: float, depth: float) -> tuple[Mesh, Mesh, Mesh]:
    """An open box round the origin: walls, cushion (its top at z = 0) and a lid that stands behind it."""
    outer, inner = _rectangle(width, depth, 4), _rectangle(width - 5, depth - 5, 3)
    low, high = -16.0, 7.0
    ring = [
        (outer, low),
        (outer, high - 1),
        (outer * 0.99, high),
        (inner * 1.01, high),
        (inner, high - 1),
        (inner, low),
    ]
    walls = loft(np.stack([_at(shape, z) for shape, z in ring], axis=1), closed=True)
    pad = _rectangle(width - 4.6, depth - 4.6, 4)
    cushion = loft(
        np.stack(
            [_at(pad * s, z) for s, z in ((1.0, -14), (1.0, -3.5), (0.985, -1.4), (0.94, -0.3), (0.86, 0.0))]
        ),
        closed=False,
        crease=60,
    )
    # the lid is the same frame closed on one side, opened to a little over upright
    shell = [
        (outer * 0.3, -9.0),
        (outer, -9.0),
        (outer, 3.0),
        (inner, 3.0),
        (inner, -5.0),
        (inner * 0.3, -5.0),
    ]
    lid = loft(np.stack([_at(shape, z) for shape, z in shell], axis=1), closed=True)
    plate = loft(np.stack([_at(outer * 0.4, -8.8), _at(outer * 0.4, -5.2)]), closed=False)
    both = Mesh(
        np.concatenate([lid.vertices, plate.vertices]),
        np.concatenate([lid.faces, plate.faces + len(lid.vertices)]),
        np.concatenate([lid.normals, plate.normals]),
    )
    angle = np.radians(104)
    c, s = np.cos(angle), np.sin(angle)
    hinge = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    # the frame's open side (+z) looks to the front (-y)
    return walls, cushion, both.placed(hinge, (0, depth / 2 + 6, high + depth / 2))


def _rectangle(width: float, depth: float, corner: float) -> Array:
    """A rounded rectangle [64, 2]."""
    angle = (np.arange(64) + 0.5) * 2 * np.pi / 64
    c, s = np.cos(angle), np.sin(angle)
    x, y = width / 2 - corner, depth / 2 - corner
    return np.stack([np.sign(c) * x + corner * c, np.sign(s) * y + corner * s], axis=1)


def _at(points: Array, height: float) -> Array:
    return np.concatenate([points, np.full((len(points), 1), height)], axis=1)


def _noise(seed: str, slope: float, stretch: float = 1.0) -> Array:
    """Tileable noise [384, 384] of zero mean and unit spread with a 1/f^slope spectrum."""
    source = np.random.default_rng(int.from_bytes(seed.encode(), "big"))
    y = np.fft.fftfreq(_SIZE)[:, None] * _SIZE
    x = np.fft.rfftfreq(_SIZE)[None] * _SIZE
    radius = np.hypot(x * stretch, y)
    radius[0, 0] = 1
    phase = source.uniform(0, 2 * np.pi, radius.shape)
    waves = np.exp(1j * phase) * radius**-slope
    waves[0, 0] = 0
    field = np.fft.irfft2(waves, (_SIZE, _SIZE))
    return np.asarray(field / field.std())


@functools.lru_cache(maxsize=PATTERNS)
def _marble(pattern: int) -> Array:
    draw = Draw("marble", pattern)
    cloud, warp = _noise(f"c{pattern}", 1.8), _noise(f"w{pattern}", 2.2)
    vein = np.exp(-np.abs(warp + 0.25 * cloud) * draw.between(14, 30))
    thin = np.exp(-np.abs(_noise(f"t{pattern}", 1.9) - 0.6) * 40) * 0.5
    dark = draw.chance(0.25)
    base = np.array((0.05, 0.055, 0.06) if dark else draw.pick(((0.84, 0.83, 0.81), (0.78, 0.76, 0.73))))
    line = np.array((0.5, 0.48, 0.45) if dark else draw.pick(((0.35, 0.35, 0.36), (0.52, 0.43, 0.33))))
    share = np.clip(vein * (0.5 + 0.3 * cloud) + thin, 0, 0.85)[..., None]
    return np.asarray(np.clip((base * (1 + 0.04 * cloud[..., None])) * (1 - share) + line * share, 0, 1))


@functools.lru_cache(maxsize=PATTERNS)
def _wood(pattern: int) -> Array:
    draw = Draw("wood", pattern)
    grain, warp = _noise(f"g{pattern}", 0.9, 14.0), _noise(f"b{pattern}", 2.0, 5.0)
    x = np.arange(_SIZE)[:, None] / _SIZE
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (draw.whole(6, 12) * x + 0.5 * warp))
    light, dark = draw.pick(
        (((0.42, 0.25, 0.13), (0.26, 0.14, 0.065)), ((0.55, 0.4, 0.25), (0.4, 0.27, 0.15)),
         ((0.14, 0.075, 0.04), (0.07, 0.036, 0.02)), ((0.5, 0.46, 0.4), (0.36, 0.32, 0.27)))
    )  # fmt: skip
    share = np.clip(0.55 * rings**2 + 0.16 * grain + 0.1, 0, 1)[..., None]
    return np.asarray(np.array(light) * (1 - share) + np.array(dark) * share)


@functools.lru_cache(maxsize=PATTERNS)
def _nap(pattern: int) -> Array:
    fine, broad = _noise(f"f{pattern}", 0.5), _noise(f"n{pattern}", 1.6)
    return np.asarray(np.clip(1 + 0.2 * fine + 0.09 * broad, 0.3, 1.8))[..., None]
