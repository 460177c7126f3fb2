"""Which pictures a product gets, and how each is composed; a view depends on product and number only."""

from __future__ import annotations

from catalog.render.camera import framed
from catalog.render.description import Description
from catalog.render.draw import Draw
from catalog.render.jewel import laid
from catalog.render.light import LIGHTS
from catalog.render.materials import Colour, Material, materials
from catalog.render.scene import Scene

STUDIO = "studio"

_GROUNDS: dict[Colour, float] = {  # a shop's backgrounds, mostly white
    (0.90, 0.90, 0.90): 7.0,
    (0.86, 0.84, 0.81): 1.2,
    (0.68, 0.69, 0.71): 1.0,
    (0.86, 0.74, 0.71): 0.6,
    (0.70, 0.77, 0.84): 0.5,
    (0.62, 0.68, 0.60): 0.4,
    (0.09, 0.09, 0.10): 0.5,
}
# category or style -> (azimuth, elevation) ranges of the first picture and of the further ones
_ANGLES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "ring": ((14, 42, 30, 46), (-8, 8, 16, 24), (10, 60, 50, 72), (-45, -18, 26, 44), (62, 88, 20, 34)),
    "necklace": ((-10, 10, 62, 78), (-16, 16, 74, 86), (-32, 32, 48, 62)),
    "earring": ((-14, 14, 62, 78), (-8, 8, 76, 86), (-34, 34, 48, 62)),
    "hoop": ((-14, 14, 18, 28), (-40, 40, 24, 40), (-25, 25, 14, 20)),
    "bracelet": ((-18, 18, 24, 36), (-30, 30, 40, 60), (-45, 45, 60, 80)),
}


def kind_of(item: Description, view: int) -> str:
    """What view `view` of a product shows: `studio`, or where it is worn or lies."""
    del item
    del view
    return STUDIO


def compose(item: Description, view: int) -> Scene:
    """The scene of one picture."""
    draw = Draw(item.id, "view", view)
    return _studio(item, view, draw)


def _studio(item: Description, view: int, draw: Draw) -> Scene:
    piece = laid(item, draw)
    angles = _ANGLES["hoop" if item.style in ("hoop", "huggie") else item.category]
    low, high, flat, steep = angles[0] if view == 0 else draw.pick(angles[1:])
    azimuth, elevation = draw.between(low, high), draw.between(flat, steep)
    if item.category == "ring" and draw.chance(0.5):
        azimuth = -azimuth
    colour = draw.weighted(_GROUNDS) if view else draw.weighted(dict(list(_GROUNDS.items())[:3]))
    light = draw.weighted({"studio": 4.0, "daylight": 1.0}) if view == 0 else draw.pick(("studio", "window"))
    camera = framed(piece.focus, azimuth, elevation, view=24, fill=draw.between(0.78, 0.9))
    scene = Scene(camera, LIGHTS[light](draw), white=0.93 * sum(colour) / 2.7)
    scene.add_jewel(piece.jewel, materials(item))
    scene.add_ground(piece.ground - 0.02, Material("matt", colour, 0.9))
    return scene
