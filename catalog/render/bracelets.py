"""Bracelets round the y axis, their front at +z, in the frame of a band; `tennis` and chains likewise."""

from __future__ import annotations

import numpy as np

from catalog.render.chains import Way, clasp, link, linked
from catalog.render.description import Description, stone_width
from catalog.render.draw import Draw
from catalog.render.heads import head
from catalog.render.mesh import Array, Jewel, turn
from catalog.render.outlines import outline
from catalog.render.primitives import ball, circle, loft, plate, rounded, sweep, wire
from catalog.render.shanks import Band, gapped, plain, set_band

INNER = 29.0  # inner radius in millimetres: 18 cm round


def bracelet(item: Description, squash: float = 1.0) -> Jewel:
    """The bracelet of a description; `squash` below 1 makes flexible ones oval, as round a wrist."""
    draw = Draw(item.family, "bracelet")
    if item.style == "tennis":
        return _tennis(item, squash)
    if item.style == "bangle":
        return _bangle(item, draw)
    if item.style == "cuff":
        return _cuff(item, draw)
    if item.style == "link":
        loop = _loop(INNER + item.size / 2, squash)
        second = "second" if item.metal == "two-tone gold" else "metal"
        jewel = linked(loop, item.size, (1.55,), 0.155, second=second)
        jewel.place(clasp(loop, item.size * 0.5))
        return jewel
    return _charm(item, draw, squash)


def _loop(radius: float, squash: float, count: int = 360) -> Way:
    angle = np.arange(count) * 2 * np.pi / count
    points = radius * np.stack([np.sin(angle), np.zeros(count), squash * np.cos(angle)], axis=1)
    out = np.stack([squash * np.sin(angle), np.zeros(count), np.cos(angle)], axis=1)
    return Way(points, out / np.linalg.norm(out, axis=1, keepdims=True))


def _frames(way: Way, count: int) -> tuple[Array, Array]:
    """Points [k, 3] and rotations [k, 3, 3] with z outwards and y across the bracelet."""
    line = way.even(count)
    across = np.tile([0.0, 1.0, 0.0], (count, 1))
    return line.points, np.stack([np.cross(across, line.up), across, line.up], axis=2)


def _tennis(item: Description, squash: float) -> Jewel:
    """Equal stones all the way round, their baskets joined by a spine, closed by a box clasp."""
    length = outline(item.shape).length
    width = item.size / length**0.5
    made = head(item.shape, width, item.setting, low=0.75)
    loop = _loop(INNER - made.foot, squash)
    count = int(loop.length / (2.04 * made.reach[0]))
    points, rotations = _frames(loop, count)
    jewel = Jewel()
    closing = count // 2
    for place in range(count):
        if place != closing:
            jewel.place(made.jewel, rotations[place], points[place])
    spine = loop.raised(made.foot + 0.45).even(240)
    jewel.add("spine", "metal", sweep(spine.points, circle(0.5, 10), closed=True, up=spine.up))
    half = 0.98 * made.reach[0]
    box = loft(
        np.stack(
            [
                np.concatenate(
                    [rounded(2 * half * s, 2.0 * made.reach[1] * s, 6, 24), np.full((24, 1), z)], axis=1
                )
                for s, z in ((0.9, made.foot), (1.0, made.foot + 0.2), (1.0, -0.2), (0.9, 0.0))
            ]
        ),
        closed=False,
    )
    jewel.add("clasp", "metal", box.placed(rotations[closing], points[closing]))
    return jewel


def _bangle(item: Description, draw: Draw) -> Jewel:
    """A closed band; with stones along its front, or one set stone on it. Two-tone ones have white edges."""
    thick, dome = draw.between(1.8, 2.6), draw.between(0.1, 0.5)
    band = Band(INNER, item.size, thick, draw.between(0.6, 1.0), dome)
    jewel = Jewel()
    if item.setting in ("pave", "channel"):
        band = Band(INNER, min(item.size, 4.0), 2.2, 1.0, 0.0)
        jewel.place(set_band(band, item.setting, end=draw.between(45, 80), slot="stone"))
    else:
        jewel.add("band", "metal", plain(band))
    if item.metal == "two-tone gold":
        angle = np.arange(120) * 2 * np.pi / 120
        wide = band.width * (band.taper + (1 - band.taper) * (1 + np.cos(angle)) / 2)
        reach = INNER + 0.5 * band.thick
        for side in (-1, 1):
            path = np.stack([reach * np.sin(angle), side * wide / 2, reach * np.cos(angle)], axis=1)
            out = np.stack([np.sin(angle), np.zeros(120), np.cos(angle)], axis=1)
            edge = sweep(path, circle(0.32 * band.thick, 12), closed=True, up=out)
            jewel.add("edge", "second", edge)
    if item.setting not in ("", "pave", "channel"):
        width = stone_width(item.carat, item.stone, outline(item.shape).length)
        made = head(item.shape, width, item.setting, metal="second")
        jewel.place(made.jewel, shift=(0, 0, band.outer - 0.3 - made.foot))
    return jewel


def _cuff(item: Description, draw: Draw) -> Jewel:
    """An open band with rounded ends; with stones, one bezel an end and the gap to the front."""
    half = draw.between(24, 32)
    band = Band(INNER - 1.0, item.size, draw.between(1.7, 2.4), 1.0, draw.between(0.15, 0.4))
    jewel = Jewel()
    jewel.add("band", "metal", gapped(band, half, rounded_ends=True))
    if item.shape:
        width = stone_width(item.carat, item.stone, outline(item.shape).length)
        made = head(item.shape, width, item.setting)
        for side in (-1, 1):
            rotation = turn("y", side * (half + np.degrees(0.5 * width / band.outer)))
            jewel.place(made.jewel, rotation, rotation @ np.array([0, 0, band.outer - 0.3 - made.foot]))
        return jewel
    return jewel.moved(turn("y", draw.pick((150.0, 210.0))))


def _charm(item: Description, draw: Draw, squash: float) -> Jewel:
    """A cable bracelet with charms on jump rings: set stones between hearts, stars, coins and balls."""
    loop = _loop(INNER + item.size / 2, squash)
    jewel = linked(loop, item.size, (1.5,), 0.16)
    jewel.place(clasp(loop, item.size * 0.7))
    width = stone_width(item.carat, item.stone, outline(item.shape).length)
    made = head(item.shape, width, item.setting, metal="second", low=0.8)
    count = 7
    points, rotations = _frames(loop, 28)
    for number in range(count):
        place = (2 * number - count + 1) % 28
        point, frame = points[place], rotations[place]
        hanging = Jewel()
        ring = link(3.4, 3.0, 0.32, along=22)
        upright = np.stack([np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])], axis=1)
        hanging.add("loop", "metal", ring.placed(upright, (0, -1.0, 0)))
        hanging.add("loop", "metal", link(1.9, 1.7, 0.3, along=20).placed(turn("z", 90), (0, -2.95, 0)))
        stem = np.array([[0, -3.6, 0], [0, -4.2, 0]])
        hanging.add("loop", "metal", wire(stem, 0.3, count=8))
        if number % 2 == 0:
            hanging.place(made.jewel, shift=(0, -4.1 - made.hook[0], -made.hook[1]))
        else:
            hanging.place(_trinket(draw.pick(("heart", "star", "coin", "ball"))), shift=(0, -4.1, 0))
        # charms hang across the bracelet, to its lower side
        jewel.place(hanging, frame, point)
    return jewel


def _trinket(kind: str) -> Jewel:
    """A plain charm whose top is at the origin."""
    jewel = Jewel()
    if kind == "ball":
        jewel.add("charm", "metal", ball((0, -2.4, 0), 2.5, 14))
        return jewel
    if kind == "heart":
        shape = outline("heart").around(90) * 7.0
        top = outline("heart").toward(90)[1] * 7.0
    elif kind == "star":
        angle = np.pi / 2 + np.arange(10) * np.pi / 5
        reach = np.where(np.arange(10) % 2, 1.9, 4.2)
        shape = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
        top = 4.2
    else:
        shape = circle(3.6, 48)
        top = 3.6
    jewel.add("charm", "metal", plate(shape, -0.55, 0.55, 0.25).placed(shift=(0, 0.15 - top, 0)))
    return jewel
