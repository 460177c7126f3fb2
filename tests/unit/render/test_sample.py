"""The committed sample catalog: whole, small enough, and its pictures show what its labels say."""

from __future__ import annotations

import csv
import json
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from catalog.render.families import descriptions
from catalog.render.feed import COLUMNS, row
from visionseek.vocabulary import Region

SAMPLE = Path(__file__).resolve().parents[3] / "catalog" / "sample"
ROWS = list(csv.DictReader((SAMPLE / "feed.csv").read_text(encoding="utf-8").splitlines()))
VIEWS = len(ROWS[0]["views"].split(","))


def _links(cells: dict[str, str]) -> list[str]:
    return [cells["image_link"], *filter(None, cells["additional_image_link"].split(","))]


def test_it_is_large_enough_and_fits_in_git() -> None:
    assert len(ROWS) >= 300
    assert VIEWS >= 3
    files = [path for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 19e6
    scenes = sum(any(kind != "studio" for kind in cells["views"].split(",")) for cells in ROWS)
    assert scenes >= len(ROWS) / 2


def test_every_picture_is_there_once_and_whole() -> None:
    links = [link for cells in ROWS for link in _links(cells)]
    assert len(set(links)) == len(links) == len(ROWS) * VIEWS
    assert {path.name for path in (SAMPLE / "images").iterdir()} == {Path(link).name for link in links}
    for link in links[::17]:
        with Image.open(SAMPLE / link) as picture:
            picture.load()
            assert picture.size == (256, 256)


def test_the_feed_is_what_its_seed_describes() -> None:
    manifest = json.loads((SAMPLE / "manifest.json").read_text(encoding="utf-8"))
    assert tuple(ROWS[0]) == COLUMNS
    for item, cells in zip(islice(descriptions(manifest["seed"]), len(ROWS)), ROWS, strict=True):
        assert row(item, VIEWS) == cells


def test_the_screenshot_shows_one_of_its_products() -> None:
    told = json.loads((SAMPLE / "screenshot.json").read_text(encoding="utf-8"))
    assert told["product_id"] in {cells["id"] for cells in ROWS}
    Region(*told["region"])
    with Image.open(SAMPLE / "screenshot.jpg") as picture:
        picture.load()
        assert picture.height > picture.width >= 320


def _features() -> NDArray[np.float64]:
    """Coarse colours and shape of each product's first picture [n, 6 * 6 * 3 + 4 * 4 * 4 * 2]."""
    found = []
    for cells in ROWS:
        with Image.open(SAMPLE / cells["image_link"]) as picture:
            small = np.asarray(picture.convert("RGB").resize((48, 48)), dtype=float) / 255
        ground = np.median(small[:4].reshape(-1, 3), axis=0)
        off = small - ground
        away = np.abs(off).max(axis=2) > 0.12
        colours = small[away] if away.any() else small.reshape(-1, 3)
        # the whole piece by area, and what is strongly coloured in it by itself
        vivid = colours[np.ptp(colours, axis=1) > 0.25]
        spread = [
            np.histogramdd(part, bins=(5, 5, 5), range=[(0, 1)] * 3)[0].ravel() / max(len(part), 1)
            for part in (colours, vivid)
        ]
        thumbnail = np.asarray(np.abs(off).max(axis=2)).reshape(12, 4, 12, 4).mean(axis=(1, 3)).ravel()
        found.append(np.concatenate([np.sqrt(spread[0]), np.sqrt(spread[1]), 0.6 * thumbnail]))
    return np.asarray(found)


@pytest.fixture(scope="module")
def features() -> NDArray[np.float64]:
    return _features()


@pytest.mark.parametrize(
    ("column", "times"),
    [("category", 1.8), ("style", 3.0), ("metal", 1.8), ("stone", 2.0), ("shape", 1.25), ("setting", 1.3)],
)
def test_pictures_show_what_labels_say(column: str, times: float, features: NDArray[np.float64]) -> None:
    """A nearest neighbour of another family, on crude features, agrees far more often than chance."""
    known = np.array([index for index, cells in enumerate(ROWS) if cells[column]])
    labels = np.array([ROWS[index][column] for index in known])
    families = np.array([ROWS[index]["family"] for index in known])
    near = ((features[known][:, None] - features[known][None]) ** 2).sum(axis=2)
    near[families[:, None] == families[None]] = np.inf
    agree = float((labels[near.argmin(axis=1)] == labels).mean())
    shares = np.array(list(Counter(labels.tolist()).values())) / len(labels)
    chance = float((shares**2).sum())
    assert agree > times * chance, f"{column}: {agree:.2f} agree, {chance:.2f} by chance"
