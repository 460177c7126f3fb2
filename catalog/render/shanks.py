"""Rings' bands: a loft round the finger, the finger's axis along y, the top of the ring at +z.

Stones set into a band sit in a groove cut into it, so that light reaches them from below as in a drilled
seat; a groove runs out where the stones end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from catalog.render.cuts import cut
from catalog.render.mesh import Array, Jewel, Mesh, turn
from catalog.render.outlines import outline
from catalog.render.primitives import balls, loft, sweep

STATIONS = 180


@dataclass(frozen=True)
class Band:
    """Measures of a band in millimetres.

    Attributes:
        inner: inner radius.
        width: along the finger, at the top.
        thick: radially, at the top.
        taper: width at the bottom over width at the top.
        dome: how much lower the outer edges lie than the middle, as a share of the thickness.
        slim: share of the thickness that the bottom lacks.
    """

    inner: float
    width: float
    thick: float
    taper: float = 0.8
    dome: float = 0.3
    slim: float = 0.15

    @property
    def outer(self) -> float:
        """Outer radius at the top."""
        return self.inner + self.thick


def plain(band: Band, *, knife: bool = False) -> Mesh:
    """A closed band, domed or with a ridge."""
    return _band(band, np.zeros(STATIONS), 0.5, knife=knife)


def twist(band: Band, strands: int = 2, turns: int = 9) -> list[Mesh]:
    """Wires that wind round each other the whole way round; each is closed in itself."""
    radius = 0.3 * band.width
    count = 480
    angle = np.arange(count) * 2 * np.pi / count
    meshes = []
    for strand in range(strands):
        phase = turns * angle + strand * 2 * np.pi / strands
        reach = band.inner + band.thick / 2 + 0.72 * radius * np.cos(phase)
        path = np.stack([reach * np.sin(angle), 0.72 * radius * np.sin(phase), reach * np.cos(angle)], axis=1)
        angles = np.arange(10) * 2 * np.pi / 10
        profile = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        outward = np.stack([np.sin(angle), np.zeros(count), np.cos(angle)], axis=1)
        meshes.append(sweep(path, profile, closed=True, up=outward))
    return meshes


def gapped(band: Band, half_angle: float, *, rounded_ends: bool = False) -> Mesh:
    """An open band whose gap is `half_angle` degrees either side of the top.

    Its ends are flat, as those of a tension ring, or rounded like a tongue.
    """
    angle = np.radians(np.linspace(half_angle, 360 - half_angle, STATIONS))
    sections = _sections(band, angle, np.zeros(STATIONS), 0.5, knife=False)
    if rounded_ends:
        way = (angle - angle[0]) * band.outer
        off = np.minimum(way, way[::-1]) / (band.width / 2)
        share = np.sqrt(np.clip(1 - np.clip(1 - off, 0, 1) ** 2, 0.02, 1))
        sections[..., 1] *= share[:, None]
        middle = sections.mean(axis=1, keepdims=True)
        flat = np.clip(off * 3, 0.45, 1)[:, None, None]
        flatter = middle + (sections - middle) * flat
        sections[..., 0], sections[..., 2] = flatter[..., 0], flatter[..., 2]
    return loft(sections, closed=False, crease=30)


def set_band(
    band: Band,
    style: str,
    *,
    shape: str = "round",
    start: float = 0.0,
    end: float = 180.0,
    slot: str = "accent",
) -> Jewel:
    """A band with small stones from `start` to `end` degrees off the top, on both sides.

    Args:
        band: its measures.
        style: `pave` (beads between the stones) or `channel` (walls along them).
        shape: outline of the stones; `princess` and `emerald` suit a channel.
        start: 0 sets the top too.
        end: 180 goes all the way round.
        slot: material of the stones.
    """
    jewel = Jewel()
    full = end >= 180
    size = band.width * (0.72 if style == "pave" else 0.68)
    length = outline(shape).length
    # stones lie with their long side across the band
    across, along = size, size / length
    reach = band.outer + (0.03 if style == "pave" else -0.12) * size
    pitch = np.degrees(along * (1.05 if style == "pave" else 1.02) / (band.outer - 0.1 * size))
    if full:
        count = int(360 / pitch)
        angles = np.arange(count) * 360 / count
        groove = np.ones(STATIONS)
    else:
        count = int((end - start) / pitch)
        half = start + (np.arange(count) + 0.5) * pitch
        angles = np.concatenate([-half[::-1], half]) if start > 0 else _middle(end, pitch)
        groove = _grooved(angles, pitch)
    gem = cut(shape, small=True).scaled(along) if shape == "round" else cut(shape).scaled(along)
    places = np.radians(angles)
    outward = np.stack([np.sin(places), np.zeros(len(places)), np.cos(places)], axis=1)
    rotations = np.stack([turn("y", angle) for angle in angles])
    jewel.add("melee", slot, gem.repeated(rotations, outward * reach))
    fine = Band(band.inner, band.width, band.thick, 1.0 if full else band.taper, 0.0)
    jewel.add("band", "metal", _band(fine, groove, across * 0.47 / band.width, knife=False))
    if style == "pave":
        if full:
            between = angles + 180 / count
        else:
            between = np.unique(np.round(np.concatenate([angles - pitch / 2, angles + pitch / 2]), 6))
        middle = np.radians(between)
        for side in (-1, 1):
            centres = np.stack(
                [
                    (band.outer + 0.02) * np.sin(middle),
                    np.full(len(middle), side * 0.46 * across),
                    (band.outer + 0.02) * np.cos(middle),
                ],
                axis=1,
            )
            jewel.add("bead", "metal", balls(centres, 0.14 * across, 5))
    return jewel


def _middle(end: float, pitch: float) -> Array:
    count = 2 * int(end / pitch) + 1
    return np.asarray((np.arange(count) - count // 2) * pitch, dtype=np.float64)


def _grooved(angles: Array, pitch: float) -> Array:
    """Depth of the groove [STATIONS], 1 under the stones and 0 beyond their ends."""
    station = np.arange(STATIONS) * 360 / STATIONS
    station = np.where(station > 180, station - 360, station)
    distance = np.abs(station[:, None] - angles[None]).min(axis=1)
    return np.asarray(np.clip(1.5 - distance / pitch, 0, 1) * (distance < pitch), dtype=np.float64)


def _band(band: Band, groove: Array, share: float, *, knife: bool) -> Mesh:
    angle = np.arange(STATIONS) * 2 * np.pi / STATIONS
    return loft(_sections(band, angle, groove, share, knife=knife), closed=True, crease=30)


def _sections(band: Band, angle: Array, groove: Array, share: float, *, knife: bool) -> Array:
    """Cross-sections [m, 20, 3]; `groove` [m] from 0 to 1, its half width `share` of the band's width."""
    weight = (1 + np.cos(angle)) / 2
    width = band.width * (band.taper + (1 - band.taper) * weight)
    thick = band.thick * ((1 - band.slim) + band.slim * weight)
    # across the band: y as a share of its width, height as a share of its thickness
    inner = [(-0.5, 0.25), (-0.46, 0.1), (-0.3, 0.02), (0.0, 0.0), (0.3, 0.02), (0.46, 0.1), (0.5, 0.25)]
    places = np.array(
        [0.5, 0.47, share + 0.002, share * 0.55, 0.0, -share * 0.55, -share - 0.002, -0.47, -0.5]
    )
    rise = 1 - 1.15 * np.abs(places) if knife else 1 - band.dome * (2 * places) ** 2
    rise[[0, -1]] -= 0.08
    outer = list(zip(places.tolist(), rise.tolist(), strict=True))
    rows = []
    for position, (y, height) in enumerate(inner + outer):
        cut_in = 0.55 if position - len(inner) in (3, 4, 5) else 0.0
        reach = (
            band.inner + thick * height - cut_in * groove * min(band.width * share * 1.6, 0.75 * band.thick)
        )
        rows.append(np.stack([reach * np.sin(angle), y * width, reach * np.cos(angle)], axis=1))
    return np.stack(rows, axis=1)
