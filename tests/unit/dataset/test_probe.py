from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.dataset.probe import check_labels, features
from training.dataset.source import read_feed
from visionseek.pixels import open_image

SAMPLE = Path(__file__).parents[3] / "catalog" / "sample" / "feed.csv"


def studio(colour: tuple[int, int, int], seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (120, 120), (240, 240, 240))
    left, top = (int(v) for v in rng.integers(20, 50, 2))
    picture.paste(tuple(int(c + rng.integers(-12, 13)) for c in colour), (left, top, left + 50, top + 50))
    return picture


def test_what_pictures_show_is_found_and_what_they_do_not_show_is_not() -> None:
    rng = np.random.default_rng(0)
    colours = {"gold": (200, 160, 60), "ruby": (190, 20, 50), "sapphire": (30, 50, 180)}
    names = [list(colours)[n % 3] for n in range(150)]
    found = [features(studio(colours[name], seed)) for seed, name in enumerate(names)]
    labels = [{"stone": name, "style": ("plain", "twist")[int(rng.integers(2))]} for name in names]
    checks = check_labels(found, labels, [str(n) for n in range(150)])
    assert checks["stone"].accuracy > 0.95
    assert 0.3 < checks["stone"].chance < 0.37
    assert abs(checks["style"].accuracy - checks["style"].chance) < 0.15


def test_a_small_stone_in_a_large_picture_shows_its_shape() -> None:
    rng = np.random.default_rng(1)
    found, labels = [], []
    for number in range(80):
        picture = Image.new("RGB", (300, 300), (236, 236, 236))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((60, 90, 240, 270), outline=(228, 224, 214), width=9)
        x, y = (int(value) for value in rng.integers(40, 190, 2))
        shape = ("round", "princess")[number % 2]
        (draw.ellipse if shape == "round" else draw.rectangle)(
            (x, y, x + 56, y + 56), (40, 60, 190), (20, 20, 60), 6
        )
        found.append(features(picture))
        labels.append({"shape": shape, "category": shape})
    checks = check_labels(found, labels, [str(number) for number in range(80)])
    assert checks["shape"].accuracy > max(0.85, checks["category"].accuracy)


def test_twins_of_one_family_are_no_proof() -> None:
    found = [features(studio((200, 160, 60), seed // 2)) for seed in range(80)]  # each picture twice
    labels = [{"shape": ("round", "oval")[seed // 2 % 2]} for seed in range(80)]
    checks = check_labels(found, labels, [str(seed // 2) for seed in range(80)])
    assert checks["shape"].accuracy < 0.8


def test_attributes_with_few_pictures_or_one_value_are_not_checked() -> None:
    found = [features(studio((200, 160, 60), seed)) for seed in range(40)]
    labels = [{"metal": "gold", **({"stone": "ruby"} if n < 5 else {})} for n in range(40)]
    assert check_labels(found, labels, [str(n) for n in range(40)]) == {}


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the rendered sample catalog is not in this checkout")
def test_the_sample_catalog_shows_what_its_labels_say() -> None:
    products, rejects = read_feed(SAMPLE)
    assert rejects == []
    shown = [(one, picture) for one in products for picture in one.pictures if picture.view == "studio"]
    found = [features(open_image(picture.path)) for _, picture in shown]
    checks = check_labels(found, [one.labels for one, _ in shown], [one.family for one, _ in shown])
    for name in ("category", "metal", "stone", "shape", "setting"):
        check = checks[name]
        # Three standard errors of a blind guess: luck does not reach it.
        blind = check.chance + 3 * (check.chance * (1 - check.chance) / check.pictures) ** 0.5
        assert check.accuracy > blind, (name, check)
