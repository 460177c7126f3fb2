"""Earrings in the frame in which they are worn: +y up, +z out of the ear, the post along -z."""

from __future__ import annotations

import numpy as np

from catalog.render.chains import link
from catalog.render.description import Description, stone_width
from catalog.render.draw import Draw
from catalog.render.heads import Head, head, pearl_cup
from catalog.render.mesh import Jewel, turn
from catalog.render.outlines import outline
from catalog.render.primitives import ball, turned, wire
from catalog.render.shanks import Band, plain, set_band

POST = 9.5  # millimetres behind the head


def earring(item: Description) -> Jewel:
    """One of the pair; a stud's or drop's upper head has its foot at z = 0, a hoop its top at y = 0."""
    draw = Draw(item.family, "earring")
    if item.style in ("hoop", "huggie"):
        return _hoop(item, draw)
    if item.style == "stud":
        jewel = Jewel()
        made = _main(item, draw)
        jewel.place(made.jewel, shift=(0, 0, -made.foot))
        jewel.place(post())
        return jewel
    return _drop(item, draw)


def post() -> Jewel:
    """A pin from the foot of a head through the ear, and the clutch on it."""
    jewel = Jewel()
    jewel.add("post", "metal", wire(np.array([[0, 0, 0.5], [0, 0, -POST / 2], [0, 0, -POST]]), 0.42))
    disc = np.array([(0.3, -6.2), (2.2, -6.1), (2.5, -5.9), (2.4, -5.7), (0.3, -5.6)])
    jewel.add("clutch", "metal", turned(disc, 20))
    for side in (-1, 1):
        jewel.add("clutch", "metal", ball((side * 1.2, 0, -6.6), (0.95, 1.1, 0.75), 7))
    return jewel


def _main(item: Description, draw: Draw) -> Head:
    if item.has_pearl:
        return pearl_cup(round(draw.between(6.5, 9.5), 1), metal="second")
    width = stone_width(item.carat, item.stone, outline(item.shape).length)
    return head(item.shape, width, item.setting, metal="second", low=0.85)


def _drop(item: Description, draw: Draw) -> Jewel:
    """A small upper stud, one to three links, and the main stone below them."""
    links = draw.whole(1, 3)
    length = draw.between(2.6, 4.2)
    made = _main(item, draw)
    jewel = post()
    if draw.chance(0.5) and not item.has_pearl:
        small = head("round", 3.0, "bezel", slot="stone", metal="second")
        jewel.place(small.jewel, shift=(0, 0, -small.foot))
        y, z = -small.reach[1], -small.foot * 0.55
    else:
        jewel.add("bead", "metal", ball((0, 0, 1.7), 2.1, 14))
        y, z = -2.05, 1.7
    radius = 0.32
    jewel.add("loop", "metal", link(1.9, 1.7, 0.3, along=20).placed(turn("z", 90), (0, y - 0.6, z)))
    y -= 0.6 + 0.95 - 0.3
    pitch = length - 4.15 * radius
    middle = y - length / 2 + 3 * radius - 0.3
    upright = np.stack([np.array([0.0, 1, 0]), np.array([0.0, 0, 1]), np.array([1.0, 0, 0])], axis=1)
    flat = turn("z", 90)
    one = link(length, 1.9, radius, along=24)
    for number in range(links):
        jewel.add(
            "chain", "metal", one.placed(flat if number % 2 else upright, (0, middle - number * pitch, z))
        )
    bottom = middle - (links - 1) * pitch - length / 2
    # the last link holds a loop on the main head, square to it
    ring = link(1.9, 1.7, 0.3, along=20)
    low = bottom + 2 * radius + 0.3 - 0.95
    jewel.add("loop", "second", ring.placed(upright if links % 2 == 0 else flat, (0, low, z)))
    low -= 0.95
    stem = np.array([[0, low + 0.4, z], [0, low - 0.3, z]])
    jewel.add("loop", "second", wire(stem, 0.3, count=8))
    if item.has_pearl:
        # the cup looks down on the pearl
        jewel.place(made.jewel, turn("x", 90), (0, low + made.foot, z))
    else:
        jewel.place(made.jewel, shift=(0, low - made.hook[0], z - made.hook[1]))
    return jewel


def _hoop(item: Description, draw: Draw) -> Jewel:
    """A closed hoop with a hinge and a catch; small stones on its front half."""
    inner = draw.between(8.5, 13.0) if item.style == "hoop" else draw.between(4.6, 5.8)
    thick = draw.between(1.6, 2.3)
    band = Band(inner, item.size, thick, 1.0, draw.between(0.1, 0.5))
    jewel = Jewel()
    if item.setting:
        fine = Band(inner, max(item.size, 2.0), max(thick, 1.8), 1.0, 0.0)
        jewel.place(set_band(fine, item.setting, end=draw.between(75, 100), slot="stone"))
    else:
        jewel.add("band", "metal", plain(band))
    reach = inner + thick / 2
    for angle in (118, 242):
        at = np.radians(angle)
        centre = np.array([reach * np.sin(at), 0, reach * np.cos(at)])
        half = np.array([0, 0.42 * item.size + 0.35, 0])
        pin = np.stack([centre - half, centre + half])
        jewel.add("hinge", "metal", wire(pin, 0.45 * thick, count=14))
    # worn: the plane of the hoop is that of up and forward, its stones to the front
    worn = Jewel()
    worn.place(jewel, turn("z", 90), (0, -(inner + thick), 0))
    return worn
