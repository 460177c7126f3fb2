"""Necklaces along a way: flat on a table, or round a neck. The pendant hangs at the way's first point."""

from __future__ import annotations

import numpy as np

from catalog.render.chains import Way, chain, clasp, flat_loop, link, pearls
from catalog.render.description import Description, stone_width
from catalog.render.draw import Draw
from catalog.render.heads import Head, head
from catalog.render.mesh import Array, Jewel, turn
from catalog.render.outlines import outline
from catalog.render.primitives import wire

STONES_APART = 31.0  # between the stations of a station necklace, in millimetres


def necklace(item: Description, way: Way | None = None) -> Jewel:
    """The necklace of a description; `way` defaults to a loop on a table at z = 0."""
    draw = Draw(item.family, "necklace")
    if item.style == "pearl":
        return pearls((way or flat_loop(128, 142, 1.0)).raised(item.size / 2), item.size)
    if item.style == "chain":
        loop = (way or flat_loop(122, 148, 0.86)).raised(0.5 * item.size)
        jewel = chain(item.chain, loop, item.size)
        jewel.place(clasp(loop, item.size))
        return jewel
    if item.style == "station":
        return _station(item, (way or flat_loop(120, 150, 0.9)).raised(0.5 * item.size))
    return _pendant(item, way, draw)


def pendant_head(item: Description) -> Head:
    """The set stone that a pendant necklace carries."""
    width = stone_width(item.carat, item.stone, outline(item.shape).length)
    return head(item.shape, width, item.setting, metal="second", low=0.8)


def _pendant(item: Description, way: Way | None, draw: Draw) -> Jewel:
    made = pendant_head(item)
    loop = way or flat_loop(draw.between(96, 112), 165, draw.between(0.66, 0.74))
    width = item.size
    # the chain rises from the table to the bail's height, and hangs away from the skin there
    top = -made.foot + made.hook[1]
    marks = np.arange(len(loop.points)) * loop.length / len(loop.points)
    near = np.minimum(marks, loop.length - marks)
    lift = width / 2 + max(0.0, top - width / 2) * np.exp(-((near / 7.0) ** 2))
    line = Way(loop.points + loop.up * lift[:, None], loop.up, loop.closed)
    jewel = chain(item.chain, line, width)
    jewel.place(clasp(line, width))
    drop = hung(made, width)
    rotation = _hanging(loop)
    jewel.place(drop, rotation, line.points[0] - rotation @ np.array([0, 0, made.hook[1]]))
    return jewel


def hung(made: Head, chain_width: float) -> Jewel:
    """A head under its bail: the origin's y is inside the bail, where the chain goes through."""
    inner = chain_width / 2 + 0.35
    wire_radius = 0.34
    length = 2 * (inner + wire_radius) + 1.4
    bail = link(length, 2 * (inner + wire_radius), wire_radius, around=10, along=28)
    y, z = made.hook
    # the bail stands on edge, so that the chain passes through it sideways
    upright = np.stack([np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])], axis=1)
    jewel = Jewel()
    low = inner - length + wire_radius * 2
    jewel.add("bail", "second", bail.placed(upright, (0, low + length / 2 - wire_radius, z)))
    loop = link(1.9, 1.7, 0.3, around=8, along=20)
    ring_middle = low - wire_radius - 0.3
    jewel.add("loop", "second", loop.placed(turn("z", 90), (0, ring_middle, z)))
    below = ring_middle - 0.95
    jewel.add("loop", "second", wire(np.array([[0, below + 0.35, z], [0, below - 0.25, z]]), 0.3, count=8))
    jewel.place(made.jewel, shift=(0, below - y, 0))
    return jewel


def _hanging(way: Way) -> Array:
    """Rotation [3, 3] that turns +y up along the chest and +z away from it at the way's start."""
    out = way.up[0] / np.linalg.norm(way.up[0])
    across = way.points[1] - way.points[-1]
    across = across - (across @ out) * out
    across /= np.linalg.norm(across)
    return np.stack([across, np.cross(out, across), out], axis=1)


def _station(item: Description, line: Way) -> Jewel:
    jewel = chain(item.chain, line, item.size)
    jewel.place(clasp(line, item.size))
    width = stone_width(item.carat, item.stone, 1.0)
    made = head(item.shape, width, item.setting, low=0.7)
    count = 7
    places = np.asarray((np.arange(count) - count // 2) * STONES_APART % line.length, dtype=np.float64)
    points, up = line.at(places)
    ahead, _ = line.at((places + 1.0) % line.length)
    for point, out, after in zip(points, up, ahead, strict=True):
        forward = after - point
        forward = forward - (forward @ out) * out
        forward /= np.linalg.norm(forward)
        rotation = np.stack([forward, np.cross(out, forward), out], axis=1)
        # the chain runs into the setting's wall below the girdle
        jewel.place(made.jewel, rotation, point + out * (-made.hook[1]))
    return jewel
