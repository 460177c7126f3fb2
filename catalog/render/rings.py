"""Rings: a band round the y axis, what it carries at the top (+z)."""

from __future__ import annotations

import numpy as np

from catalog.render.cuts import cut, depth
from catalog.render.description import Description, stone_width
from catalog.render.draw import Draw
from catalog.render.heads import Head, head
from catalog.render.mesh import Array, Jewel, turn
from catalog.render.outlines import outline
from catalog.render.primitives import loft, rounded
from catalog.render.shanks import Band, gapped, plain, set_band, twist

SIDE_BY_SIDE = 1.06  # distance of neighbouring heads over the sum of their half widths


def ring(item: Description) -> Jewel:
    """The ring of a description."""
    draw = Draw(item.family, "ring")
    inner = draw.between(8.2, 8.9)
    taper, dome = draw.between(0.7, 0.95), draw.between(0.2, 0.5)
    thick = draw.between(1.5, 1.8)
    if item.style == "signet":
        return _signet(item, inner, draw)
    if item.style == "eternity":
        return _eternity(item, inner)
    band = Band(inner, item.size, thick, taper, dome)
    if item.style == "pave band":
        end = draw.between(62, 84)
        wide = Band(inner, item.size, 1.9, 0.85, 0.0)
        return set_band(wide, item.setting, end=end, slot="stone")
    width = stone_width(item.carat, item.stone, outline(item.shape).length)
    if item.setting == "tension":
        return _tension(item, width, inner)
    made = head(item.shape, width, item.setting, metal="second")
    jewel = Jewel()
    seat = _seat(band, made)
    jewel.place(made.jewel, shift=(0, 0, seat))
    free = made.reach[0]
    if item.style == "three-stone":
        free = _flank(jewel, item, band=band, centre=made, width=width, draw=draw)
    start = float(np.degrees(np.arcsin(min(0.95, (0.75 * free + 0.2) / band.outer))))
    jewel.place(_shank(item, band, start))
    return jewel


def _seat(band: Band, made: Head) -> float:
    """Height of the girdle: the head's foot sinks a little into the band."""
    return band.outer - 0.35 - made.foot


def _shank(item: Description, band: Band, start: float) -> Jewel:
    if item.shank in ("pave", "channel"):
        wide = Band(band.inner, max(band.width, 2.0), band.thick + 0.25, 0.85, 0.0)
        return set_band(wide, item.shank, start=start, end=min(start + 48, 88))
    jewel = Jewel()
    if item.shank == "twist":
        for mesh in twist(Band(band.inner, band.width * 1.15, band.thick)):
            jewel.add("band", "metal", mesh)
    else:
        jewel.add("band", "metal", plain(band, knife=item.shank == "knife-edge"))
    return jewel


def _flank(jewel: Jewel, item: Description, *, band: Band, centre: Head, width: float, draw: Draw) -> float:
    """Add a smaller stone to either side; return how far the three reach along x."""
    shape = (
        item.shape
        if item.shape in ("round", "oval", "princess", "cushion", "emerald", "asscher")
        else "round"
    )
    small = width * draw.between(0.58, 0.68)
    setting = "4-prong" if item.setting == "claw" else item.setting
    side = head(shape, small, setting, slot="accent", metal="second", low=0.9)
    radius = _seat(band, side)
    wanted = (centre.reach[0] + side.reach[0]) * SIDE_BY_SIDE
    lean = np.degrees(np.arcsin(min(0.9, wanted / (radius + 0.3))))
    for sign in (-1, 1):
        rotation = turn("y", sign * lean)
        jewel.place(side.jewel, rotation, rotation @ np.array([0, 0, radius]))
    return float(wanted + side.reach[0] * np.cos(np.radians(lean)))


def _tension(item: Description, width: float, inner: float) -> Jewel:
    """The stone is gripped at its girdle by the two ends of a strong band, which is as high as the stone needs.

    The girdle lies 72 % up the band's ends, which reach 3 % of the width into it on either side; the culet
    stays 0.4 mm clear of the finger.
    """
    grip = 0.47 * width
    lift = inner + depth(item.shape) * width + 0.4
    middle = float(np.hypot(lift, grip))
    thick = (middle - inner) / 0.72
    band = Band(inner, max(3.4, 0.6 * width), thick, 0.7, 0.2, slim=1 - 2.0 / thick)
    jewel = Jewel()
    jewel.add("band", "metal", gapped(band, float(np.degrees(np.arcsin(grip / middle)))))
    jewel.add("stone", "stone", cut(item.shape).scaled(width).placed(shift=(0, 0, lift)))
    return jewel


def _eternity(item: Description, inner: float) -> Jewel:
    if item.setting in ("pave", "channel"):
        band = Band(inner, item.size, 1.8, 1.0, 0.0)
        shape = item.shape if item.setting == "channel" else "round"
        return set_band(band, item.setting, shape=shape, slot="stone")
    length = outline(item.shape).length
    width = item.size / length * (0.95 if item.setting == "4-prong" else 0.85)
    made = head(item.shape, width, item.setting, low=0.8)
    band = Band(inner, item.size * 0.62, 0.9, 1.0, 0.1)
    radius = _seat(band, made)
    count = int(2 * np.pi * radius / (2.0 * made.reach[0] * 1.0))
    jewel = Jewel()
    for place in range(count):
        rotation = turn("y", 360 * place / count)
        jewel.place(made.jewel, rotation, rotation @ np.array([0, 0, radius]))
    jewel.add("band", "metal", plain(band))
    return jewel


def _signet(item: Description, inner: float, draw: Draw) -> Jewel:
    """A band that swells to a flat face at the top, with or without a stone sunk into it."""
    across, along = item.size, item.size * draw.between(1.0, 1.25)
    low = draw.between(3.2, 4.2)
    count, points = 200, 48
    angle = np.arange(count) * 2 * np.pi / count
    off = np.where(angle > np.pi, angle - 2 * np.pi, angle)
    face = inner + 3.0
    swell = np.clip(1.25 - np.abs(off) / 1.15, 0, 1) ** 2 * (3 - 2 * np.clip(1.25 - np.abs(off) / 1.15, 0, 1))
    width = low + (along - low) * swell
    thick = 1.5 + (face + 1.0 - inner - 1.5) * swell
    profile = rounded(1.0, 1.0, 3.4, points)
    reach = inner + thick[:, None] / 2 + profile[None, :, 1] * thick[:, None]
    sections = np.stack(
        [
            reach * np.sin(angle)[:, None],
            profile[None, :, 0] * width[:, None],
            reach * np.cos(angle)[:, None],
        ],
        axis=-1,
    )
    sections = _flattened(sections, face, across / 2, along / 2, draw.pick((2.0, 3.0, 4.0)))
    jewel = Jewel()
    jewel.add("band", "metal", loft(sections, closed=True, crease=24))
    if item.shape:
        breadth = stone_width(item.carat, item.stone, outline(item.shape).length)
        made = head(item.shape, breadth, "bezel")
        jewel.place(made.jewel, shift=(0, 0, face + 0.14 * breadth))
    return jewel


def _flattened(sections: Array, face: float, half_x: float, half_y: float, exponent: float) -> Array:
    """Everything above the plane of the face is pressed onto it, within the face's outline."""
    x, y, z = sections[..., 0], sections[..., 1], sections[..., 2]
    share = (np.abs(x / half_x) ** exponent + np.abs(y / half_y) ** exponent) ** (1 / exponent)
    drop = np.clip(share - 1, 0, None) * 2.2
    return np.stack([x, y, np.minimum(z, face - drop)], axis=-1)
