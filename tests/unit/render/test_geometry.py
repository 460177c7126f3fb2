"""Sound geometry: closed parts, nothing that floats, prongs on their stones, small stones in their seats."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the extra `render` is not installed")

from scipy.spatial import cKDTree

from catalog.render.cuts import crown, cut, depth
from catalog.render.description import SHAPES, STYLES, Description
from catalog.render.draw import Draw
from catalog.render.families import descriptions
from catalog.render.heads import head, pearl_cup
from catalog.render.jewel import build, laid
from catalog.render.mesh import Array, Mesh, Part
from catalog.render.outlines import outline
from catalog.render.primitives import ball, wire
from catalog.render.shanks import Band, set_band


def _examples() -> dict[tuple[str, str, str], Description]:
    """One product of each style and setting, and of each shank."""
    found: dict[tuple[str, str, str], Description] = {}
    seen: set[tuple[str, str]] = set()
    for item in islice(descriptions(3), 1500):
        new = {(item.style, item.setting), ("shank", item.shank)} - seen
        if new:
            found[item.style, item.setting, item.shank] = item
            seen |= new
    return found


EXAMPLES = _examples()


def _surface(mesh: Mesh, spacing: float) -> Array:
    """Points on a mesh: the corners and a grid inside each face that is larger than `spacing`."""
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    longest = np.max([np.linalg.norm(u - v, axis=1) for u, v in ((a, b), (b, c), (c, a))], axis=0)
    points = [mesh.vertices]
    for steps in range(2, 16):
        chosen = (np.ceil(longest / spacing) == steps) | ((steps == 15) & (longest / spacing > 15))
        if not chosen.any():
            continue
        i, j = np.meshgrid(np.arange(steps + 1), np.arange(steps + 1))
        inside = (i + j) <= steps
        u, v = i[inside] / steps, j[inside] / steps
        grid = (
            a[chosen, None] * (1 - u - v)[None, :, None]
            + b[chosen, None] * u[None, :, None]
            + c[chosen, None] * v[None, :, None]
        )
        points.append(grid.reshape(-1, 3))
    return np.concatenate(points)


def _pieces(parts: list[Part], gap: float) -> int:
    """Number of groups of parts that do not touch each other, to within `gap` millimetres."""
    clouds = []
    for part in parts:
        cloud = _surface(part.mesh, 0.5)
        _, kept = np.unique(np.round(cloud / 0.12).astype(int), axis=0, return_index=True)
        clouds.append(cloud[kept])
    trees = [cKDTree(cloud) for cloud in clouds]
    boxes = [(cloud.min(axis=0) - gap, cloud.max(axis=0) + gap) for cloud in clouds]
    group = list(range(len(parts)))

    def root(k: int) -> int:
        while group[k] != k:
            k = group[k]
        return k

    for i in range(len(parts)):
        for j in range(i):
            if root(i) == root(j) or (boxes[i][0] > boxes[j][1]).any() or (boxes[j][0] > boxes[i][1]).any():
                continue
            inside = ((clouds[j] > boxes[i][0]) & (clouds[j] < boxes[i][1])).all(axis=1)
            near, _ = trees[i].query(clouds[j][inside], distance_upper_bound=gap)
            if np.isfinite(near).any():
                group[root(i)] = root(j)
    return len({root(k) for k in range(len(parts))})


def test_every_style_is_among_the_examples() -> None:
    assert {style for style, _, _ in EXAMPLES} == {style for styles in STYLES.values() for style in styles}


@pytest.mark.parametrize("key", EXAMPLES, ids="-".join)
def test_every_part_is_watertight_and_looks_outwards(key: tuple[str, str, str]) -> None:
    for part in build(EXAMPLES[key]).parts:
        assert part.mesh.watertight, part.name
        assert part.mesh.volume > 0, part.name
        lengths = np.linalg.norm(part.mesh.normals, axis=2)
        assert np.allclose(lengths, 1, atol=1e-6), part.name


@pytest.mark.parametrize("style", sorted({style for styles in STYLES.values() for style in styles}))
def test_nothing_floats(style: str) -> None:
    # links of a chain play in each other, so they may be a little apart
    chosen = {item.setting: item for (name, _, _), item in EXAMPLES.items() if name == style}
    for item in list(chosen.values())[:3]:
        parts = build(item).parts
        assert _pieces(parts, gap=0.32) == 1, (item, sorted({part.name for part in parts}))


@pytest.mark.parametrize("shape", SHAPES)
def test_stones_are_closed_with_the_girdle_at_zero(shape: str) -> None:
    stone = cut(shape)
    assert stone.watertight
    assert stone.volume > 0
    widest = np.abs(stone.vertices[:, 0]) > 0.499
    assert np.abs(stone.vertices[widest, 2]).max() <= 0.03
    assert 0.35 < depth(shape) < 0.65
    assert 0.1 < crown(shape) < 0.2
    size = np.ptp(stone.vertices, axis=0)
    assert size[0] == pytest.approx(1, abs=0.01)
    assert size[1] == pytest.approx(outline(shape).length, abs=0.03)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("setting", "prongs"), [("4-prong", 4), ("6-prong", 6), ("claw", 4), ("halo", 4)])
def test_prongs_touch_stone_and_rail(shape: str, setting: str, prongs: int) -> None:
    jewel = head(shape, 6.5, setting).jewel
    stone = cKDTree(_surface(jewel.named("stone")[0].mesh, 0.18))
    rails = cKDTree(np.concatenate([part.mesh.vertices for part in jewel.named("rail")]))
    standing = jewel.named("prong")
    assert len(standing) == prongs
    for part in standing:
        surface = part.mesh.vertices
        assert stone.query(surface)[0].min() < 0.12
        assert rails.query(surface)[0].min() < 0.2
        above = surface[:, 2] > 0.05 * 6.5
        assert above.any(), "a prong must reach over the girdle"


def test_prongs_are_apart_so_that_they_can_be_counted() -> None:
    for shape in SHAPES:
        for setting in ("4-prong", "6-prong"):
            standing = head(shape, 6.5, setting).jewel.named("prong")
            tips = np.array(
                [part.mesh.vertices[part.mesh.vertices[:, 2] > 0].mean(axis=0) for part in standing]
            )
            apart = np.linalg.norm(tips[:, None] - tips[None], axis=2) + 99 * np.eye(len(tips))
            assert apart.min() > 1.2, (shape, setting)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_bezel_runs_round_the_girdle(shape: str) -> None:
    jewel = head(shape, 6.0, "bezel").jewel
    wall = jewel.named("bezel")[0].mesh
    girdle = outline(shape).around(80) * 6.0
    near = cKDTree(_surface(wall, 0.25)).query(np.c_[girdle, np.zeros(80)])[0]
    assert near.max() < 0.2
    assert wall.vertices[:, 2].max() < crown(shape) * 6.0


@pytest.mark.parametrize("style", ["pave", "channel"])
def test_melee_sit_in_the_metal(style: str) -> None:
    band = Band(inner=8.5, width=2.6, thick=1.8)
    jewel = set_band(band, style, start=10, end=70)
    metal = cKDTree(_surface(jewel.named("band")[0].mesh, 0.12))
    stones = jewel.named("melee")[0].mesh
    each = stones.vertices.reshape(-1, len(cut("round", small=True).vertices), 3)
    assert len(each) >= 10
    for stone in each:
        distance = metal.query(stone)[0]
        reach = np.hypot(stone[:, 0], stone[:, 2])
        assert distance.min() < 0.12, "the girdle must rest on the rims of the groove"
        assert reach.min() > band.inner + 0.2, "the culet must not reach the finger"
        assert reach.min() < band.outer < reach.max() + 0.2
        assert np.abs(stone[:, 1]).max() < band.width / 2


def test_a_halo_carries_its_melee() -> None:
    jewel = head("oval", 6.0, "halo").jewel
    plate = cKDTree(_surface(jewel.named("halo")[0].mesh, 0.1))
    beads = cKDTree(np.concatenate([part.mesh.vertices for part in jewel.named("bead")]))
    for stone in jewel.named("melee")[0].mesh.vertices.reshape(-1, len(cut("round", small=True).vertices), 3):
        assert plate.query(stone)[0].min() < 0.1
        assert beads.query(stone)[0].min() < 0.15


def test_a_tension_ring_grips_its_stone() -> None:
    item = EXAMPLES["solitaire", "tension", "plain"]
    jewel = build(item)
    band, stone = jewel.named("band")[0].mesh, jewel.named("stone")[0].mesh
    left, right = stone.vertices[:, 0] < 0, stone.vertices[:, 0] > 0
    tree = cKDTree(_surface(band, 0.1))
    for side in (left, right):
        assert tree.query(stone.vertices[side])[0].min() < 0.2


def test_links_pass_through_each_other_without_cutting_through() -> None:
    item = next(item for item in islice(descriptions(3), 900) if item.style == "link" and item.size > 5)
    chain = build(item).named("chain")
    per_link = 18 * 8
    links = [mesh.vertices.reshape(-1, per_link, 3) for mesh in (part.mesh for part in chain)]
    even, odd = links
    gap = cKDTree(even[0]).query(odd[0])[0].min()
    assert 0 < gap < 0.25 * item.size
    middle, axis = odd[0].mean(axis=0), even[0].mean(axis=0)
    assert np.linalg.norm(middle - axis) < 1.55 * item.size


def test_a_ring_fits_a_finger() -> None:
    for (style, _, _), item in EXAMPLES.items():
        if item.category == "ring":
            points = build(item).points()
            low = points[points[:, 2] < 0]
            assert np.hypot(low[:, 0], low[:, 2]).min() > 7.5, style


def test_a_pearl_rests_in_its_cup() -> None:
    made = pearl_cup(8.0)
    pearl, cup = (made.jewel.named(name)[0].mesh for name in ("pearl", "cup"))
    assert np.linalg.norm(cup.vertices, axis=1).min() < 4.0 < np.linalg.norm(cup.vertices, axis=1).max()
    assert pearl.watertight


def test_pairs_are_two_of_the_same() -> None:
    item = next(item for (style, _, _), item in EXAMPLES.items() if style == "drop")
    both, one = laid(item, Draw(1)).jewel, build(item)
    assert len(both.parts) == 2 * len(one.parts)


def test_wires_are_rounded_off_and_balls_are_round() -> None:
    pin = wire(np.array([[0.0, 0, 0], [0, 0, 5], [0, 0, 9]]), 0.5)
    assert pin.watertight
    assert np.hypot(*pin.vertices[np.argsort(pin.vertices[:, 2])[-3:], :2].T).max() < 0.2
    sphere = ball((1, 2, 3), 2.0, 16)
    assert sphere.volume == pytest.approx(4 / 3 * np.pi * 8, rel=0.03)
