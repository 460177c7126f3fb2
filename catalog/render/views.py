"""Which pictures a product gets, and how each is composed; a view depends on product and number only."""

from __future__ import annotations

import numpy as np

from catalog.render import surfaces
from catalog.render.camera import Camera, framed
from catalog.render.description import Description
from catalog.render.draw import Draw
from catalog.render.jewel import laid
from catalog.render.light import LIGHTS
from catalog.render.materials import Colour, Material, materials
from catalog.render.scene import Scene
from catalog.render.worn import PLACES, worn

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
_WALLS: tuple[Colour, ...] = (
    (0.75, 0.73, 0.70), (0.5, 0.5, 0.52), (0.2, 0.21, 0.23), (0.55, 0.6, 0.52), (0.72, 0.6, 0.55),
    (0.36, 0.42, 0.5), (0.06, 0.06, 0.07),
)  # fmt: skip
# category or style -> (azimuth, elevation) ranges of the first picture and of the further ones
_ANGLES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "ring": ((14, 42, 30, 46), (-8, 8, 16, 24), (10, 60, 50, 72), (-45, -18, 26, 44), (62, 88, 20, 34)),
    "necklace": ((-10, 10, 62, 78), (-16, 16, 74, 86), (-32, 32, 48, 62)),
    "earring": ((-14, 14, 62, 78), (-8, 8, 76, 86), (-34, 34, 48, 62)),
    "hoop": ((-14, 14, 18, 28), (-40, 40, 24, 40), (-25, 25, 14, 20)),
    "bracelet": ((-18, 18, 24, 36), (-30, 30, 40, 60), (-45, 45, 60, 80)),
}


def kind_of(item: Description, view: int) -> str:
    """What a view shows: `studio`, where the piece is worn (`hand` ...) or what it lies on (`marble` ...).

    Views 0 and 1 are studio pictures, then every other one is on a person or in a scene, half and half.
    """
    if view < 2 or view % 2:
        return STUDIO
    draw = Draw(item.id, "kind", view)
    return PLACES[item.category] if draw.chance(0.5) else draw.pick(surfaces.SURFACES)


def compose(item: Description, view: int) -> Scene:
    """The scene of one picture."""
    draw = Draw(item.id, "view", view)
    kind = kind_of(item, view)
    if kind == STUDIO:
        return _studio(item, view, draw)
    if kind in surfaces.SURFACES:
        return _lying(item, kind, draw)
    return _worn(item, draw)


def _studio(item: Description, view: int, draw: Draw) -> Scene:
    piece = laid(item, draw, close=view % 2 == 1)
    azimuth, elevation = _angle(item, draw, first=view == 0)
    colour = draw.weighted(_GROUNDS) if view else draw.weighted(dict(list(_GROUNDS.items())[:3]))
    light = draw.weighted({"studio": 4.0, "window": 1.0}) if view == 0 else draw.pick(("studio", "window"))
    camera = framed(piece.focus, azimuth, elevation, view=24, fill=draw.between(0.78, 0.9))
    scene = Scene(camera, LIGHTS[light](draw), white=0.93 * sum(colour) / 2.7)
    scene.add_jewel(piece.jewel, materials(item))
    scene.add_ground(piece.ground - 0.02, Material("matt", colour, 0.9))
    return scene


def _angle(item: Description, draw: Draw, *, first: bool) -> tuple[float, float]:
    angles = _ANGLES["hoop" if item.style in ("hoop", "huggie") else item.category]
    left, right, flat, steep = angles[0] if first else draw.pick(angles[1:])
    azimuth, elevation = draw.between(left, right), draw.between(flat, steep)
    if item.category == "ring" and draw.chance(0.5):
        azimuth = -azimuth
    return azimuth, elevation


def _lying(item: Description, kind: str, draw: Draw) -> Scene:
    """On a surface, or on the cushion of an open box, in the light of a room."""
    piece = laid(item, draw, close=draw.chance(0.5))
    azimuth, elevation = _angle(item, draw, first=draw.chance(0.5))
    elevation = max(elevation, 24.0)
    material = surfaces.material(kind, draw)
    camera = framed(piece.focus, azimuth, elevation, view=draw.between(24, 34), fill=draw.between(0.58, 0.8))
    scene = Scene(
        _opened(camera, draw),
        LIGHTS[draw.pick(("window", "daylight", "evening"))](draw),
        balance=_balance(draw),
    )
    ground = piece.ground
    if kind == "box":
        low, high = piece.focus.min(axis=0), piece.focus.max(axis=0)
        # a ring stands half sunk in the cushion's slot; everything else lies on it
        ground = ground + 7.5 if item.category == "ring" else ground
        room = max(float((high - low)[:2].max()) + 16.0, 46.0)
        middle = (low + high) / 2
        walls, cushion, lid = surfaces.box(room, room)
        place = np.array([middle[0], middle[1], ground])
        cloth = surfaces.velvet(draw)
        plain = Material("cloth", _mean(cloth), 0.9)
        for mesh, covering in ((walls, material), (cushion, plain), (lid, material)):
            scene.add_mesh(mesh.placed(shift=place), covering)
        table = surfaces.material(draw.pick(("marble", "wood")), draw)
        scene.add_ground(ground - 16.0, table, tile=draw.between(90, 160), turn=draw.between(0, 360))
    else:
        scene.add_ground(ground - 0.02, material, tile=draw.between(70, 150), turn=draw.between(0, 360))
    scene.add_jewel(piece.jewel, materials(item))
    return scene


def _worn(item: Description, draw: Draw) -> Scene:
    dressed = worn(item, draw)
    left, right, flat, steep = dressed.angles
    camera = framed(
        dressed.focus,
        draw.between(left, right),
        draw.between(flat, steep),
        view=draw.between(18, 26),
        fill=draw.between(0.62, 0.86),
    )
    light = draw.weighted({"window": 2.0, "studio": 1.5, "daylight": 1.5})
    scene = Scene(_opened(camera, draw), LIGHTS[light](draw), balance=_balance(draw))
    scene.add_jewel(dressed.jewel, materials(item))
    for mesh, material in dressed.body.solids:
        scene.add_mesh(mesh, material)
    if dressed.upright:
        scene.add_backdrop(draw.between(220, 420), Material("matt", draw.pick(_WALLS), 0.9))
    else:
        kind = draw.pick(("marble", "wood", "velvet", "plain"))
        under = Material("matt", draw.pick(_WALLS), 0.9) if kind == "plain" else surfaces.material(kind, draw)
        scene.add_ground(-46.0, under, tile=draw.between(120, 260), turn=draw.between(0, 360))
    return scene


def _opened(camera: Camera, draw: Draw) -> Camera:
    """A wider lens opening: what is nearer or farther than the piece is out of focus."""
    aperture = camera.distance * draw.between(0.004, 0.02)
    return Camera(camera.origin, camera.target, camera.up, camera.view, aperture)


def _balance(draw: Draw) -> tuple[float, float, float]:
    warm = draw.between(-0.07, 0.09)
    return (1 + warm, 1.0, 1 - warm)


def _mean(cloth: Material) -> Colour:
    assert cloth.texture is not None
    red, green, blue = cloth.texture.reshape(-1, 3).mean(axis=0).tolist()
    return (red, green, blue)
