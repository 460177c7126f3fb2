import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.dataset.build import build
from training.dataset.recipe import Recipe
from training.dataset.source import read_feed

COLUMNS = ("id", "title", "category", "price", "currency", "metal", "stone", "shape", "image_link",
           "additional_image_link", "family", "views")  # fmt: skip
METALS = {"yellow gold": (205, 164, 70), "rose gold": (206, 138, 118), "silver": (168, 172, 178)}
STONES = {"sapphire": (30, 60, 190), "ruby": (200, 20, 60), "emerald": (10, 140, 70)}


def draw_piece(category: str, metal: str, stone: str, seed: int) -> Image.Image:
    """A crude but honest picture: outline by category, colours by metal and stone."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (96, 96), (240, 239, 241))
    draw = ImageDraw.Draw(picture)
    x, y = (int(v) for v in rng.integers(-4, 5, 2))
    if category == "ring":
        draw.ellipse((24 + x, 34 + y, 72 + x, 82 + y), outline=METALS[metal], width=7)
        draw.ellipse((38 + x, 18 + y, 58 + x, 38 + y), fill=STONES[stone])
    else:
        draw.line((10 + x, 4 + y, 48 + x, 56 + y, 86 + x, 4 + y), fill=METALS[metal], width=6)
        draw.rectangle((36 + x, 54 + y, 60 + x, 80 + y), fill=STONES[stone])
    return picture


def write_feed(root: Path, families: int, extra: list[dict[str, str]] | None = None) -> Path:
    """Writes a feed of families of two near-twins, two views each; extra rows may be added."""
    (root / "images").mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, str]] = []
    for family in range(families):
        category = ("ring", "necklace")[family % 2]
        stone = list(STONES)[family // 2 % 3]
        for twin in range(2):
            metal = list(METALS)[(family + twin) % 3]
            name = f"p{family:02d}{twin}"
            for view in range(2):
                drawn = draw_piece(category, metal, stone, family * 10 + twin * 3 + view)
                drawn.save(root / "images" / f"{name}-{view}.png")
            rows.append({
                "id": name, "title": f"{stone} {category} in {metal}", "category": category, "price": "120",
                "currency": "EUR", "metal": metal, "stone": stone, "shape": "round", "family": f"f{family}",
                "image_link": f"images/{name}-0.png", "additional_image_link": f"images/{name}-1.png",
                "views": "studio,hand",
            })  # fmt: skip
    path = root / "feed.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows([*rows, *(extra or [])])
    return path


@pytest.fixture
def make_feed(tmp_path: Path) -> Callable[..., Path]:
    """`write_feed` into a folder of the test."""

    def make(families: int = 6, folder: str = "feed", extra: list[dict[str, str]] | None = None) -> Path:
        return write_feed(tmp_path / folder, families, extra)

    return make


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set to look at; do not change it."""
    root = tmp_path_factory.mktemp("dataset")
    recipe = Recipe(seed=5, variants=1, width=240, shard_samples=40, validation=0.2, test=0.2)
    build(*read_feed(write_feed(root / "feed", 14)), root / "out", recipe)
    return root / "out"
