"""Bodies wear their pieces: a finger fills its ring, a chain lies on the skin, a wrist fits its bangle."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra `render` is not installed")

from scipy.spatial import cKDTree

from catalog.render import body, surfaces
from catalog.render.bracelets import INNER
from catalog.render.camera import framed
from catalog.render.description import Description
from catalog.render.draw import Draw
from catalog.render.families import descriptions
from catalog.render.fields import Field
from catalog.render.views import compose, kind_of
from catalog.render.worn import worn


def _item(category: str, *styles: str) -> Description:
    return next(
        item for item in islice(descriptions(7), 900) if item.category == category and item.style in styles
    )


def test_a_field_becomes_a_closed_smooth_ball() -> None:
    field = Field((-12, -12, -12), (12, 12, 12), 1.0)
    field.ellipsoid((0, 0, 0), (9, 9, 9))
    surface = field.surface()
    assert surface.watertight
    assert surface.volume == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.03)
    out = surface.vertices / np.linalg.norm(surface.vertices, axis=1, keepdims=True)
    assert (surface.normals * out[surface.faces]).sum(axis=2).min() > 0.9


def test_a_line_is_pulled_tight_over_a_body_and_not_through_it() -> None:
    field = Field((-15, -15, -15), (15, 15, 15), 0.8)
    field.ellipsoid((0, 0, 0), (8, 8, 8))
    angle = np.arange(80) * 2 * np.pi / 80
    loose = np.stack([13 * np.cos(angle), 13 * np.sin(angle), np.zeros(80)], axis=1)
    tight = field.taut(loose, 400, np.zeros(80, dtype=bool))
    assert np.linalg.norm(tight, axis=1).max() < 8.6
    assert np.linalg.norm(tight, axis=1).min() > 7.6


def test_a_finger_goes_through_its_ring() -> None:
    dressed = worn(_item("ring", "solitaire"), Draw(1))
    skin = dressed.body.solids[0][0].vertices
    near = skin[(np.abs(skin[:, 1]) < 2) & (np.hypot(skin[:, 0], skin[:, 2]) < 12)]
    inner = np.hypot(*dressed.jewel.named("band")[0].mesh.vertices[:, [0, 2]].T).min()
    reach = np.hypot(near[:, 0], near[:, 2])
    assert inner - 1.2 < np.median(reach) < inner + 0.6


def test_a_necklace_lies_on_the_skin() -> None:
    for style in ("pendant", "chain", "pearl", "station"):
        dressed = worn(_item("necklace", style), Draw(2))
        skin = cKDTree(dressed.body.solids[0][0].vertices)
        names = ("chain", "pearl") if style != "pearl" else ("pearl",)
        chain = np.concatenate([part.mesh.vertices for part in dressed.jewel.named(*names)])
        distance = skin.query(chain[::7])[0]
        assert np.median(distance) < 7, style
        assert distance.max() < 22, style


@pytest.mark.parametrize("style", ["bangle", "cuff", "tennis", "link"])
def test_a_wrist_fits_its_bracelet(style: str) -> None:
    dressed = worn(_item("bracelet", style), Draw(3))
    skin = dressed.body.solids[0][0].vertices
    here = skin[np.abs(skin[:, 1]) < 2]
    if style in ("bangle", "cuff"):
        assert np.hypot(here[:, 0], here[:, 2]).max() < INNER + 0.3
    else:
        share = np.hypot(here[:, 0] / INNER, here[:, 2] / (INNER * body.FLAT))
        assert share.max() < 1.04


def test_an_ear_carries_a_stud_on_its_lobe() -> None:
    dressed = worn(_item("earring", "stud"), Draw(4))
    skin = cKDTree(dressed.body.solids[0][0].vertices)
    piece = np.concatenate(
        [part.mesh.vertices for part in dressed.jewel.parts if part.name not in ("post", "clutch")]
    )
    assert skin.query(piece)[0].min() < 1.5


def test_surfaces_are_colours_and_the_same_every_time() -> None:
    for kind in surfaces.SURFACES:
        one, other = (surfaces.material(kind, Draw(kind, 1)) for _ in range(2))
        assert one.colour == other.colour
        if one.texture is not None:
            assert other.texture is not None
            assert np.array_equal(one.texture, other.texture)
            assert one.texture.min() >= 0


def test_a_camera_frames_what_it_is_given() -> None:
    points = Draw(1), np.random.default_rng(1).normal(size=(200, 3)) * (20, 5, 9)
    camera = framed(points[1], 30, 40, view=24, fill=0.8)
    ahead = (camera.target - camera.origin) / camera.distance
    right = np.cross(ahead, camera.up)
    off = points[1] - camera.origin
    depth = off @ ahead
    edge = np.tan(np.radians(12))
    across = np.abs(np.stack([off @ right, off @ camera.up]) / depth / edge)
    assert across.max() == pytest.approx(0.8, abs=0.02)


def test_a_view_depends_on_product_and_number_only() -> None:
    item = _item("ring", "halo")
    one, other = compose(item, 1), compose(item, 1)
    assert np.array_equal(one.light, other.light)
    assert np.array_equal(one.camera.origin, other.camera.origin)
    assert all(np.array_equal(a.corners, b.corners) for a, b in zip(one.solids, other.solids, strict=True))
    assert not np.array_equal(compose(item, 0).camera.origin, one.camera.origin)


def test_a_third_of_three_views_is_worn_or_in_a_scene() -> None:
    items = list(islice(descriptions(7), 300))
    kinds = [kind_of(item, 2) for item in items]
    assert "studio" not in kinds
    worn_share = sum(kind in ("hand", "neck", "ear", "wrist") for kind in kinds) / len(kinds)
    assert 0.4 < worn_share < 0.6
    assert {kind_of(item, view) for item in items for view in (0, 1, 3)} == {"studio"}
