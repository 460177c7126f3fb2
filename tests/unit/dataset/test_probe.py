from pathlib import Path

import numpy as np
import pytest
from PIL import Image

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
    labels = [{"stone": name, "shape": ("round", "oval")[int(rng.integers(2))]} for name in names]
    checks = check_labels(found, labels, [str(n) for n in range(150)])
    assert checks["stone"].accuracy > 0.95
    assert 0.3 < checks["stone"].chance < 0.37
    assert abs(checks["shape"].accuracy - checks["shape"].chance) < 0.15


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
    shown = [(one, one.pictures[0]) for one in products]
    found = [features(open_image(picture.path)) for _, picture in shown]
    checks = check_labels(found, [one.labels for one, _ in shown], [one.family for one, _ in shown])
    for name in ("category", "metal", "stone", "shape", "setting"):
        check = checks[name]
        # Three standard errors of a blind guess: luck does not reach it.
        blind = check.chance + 3 * (check.chance * (1 - check.chance) / check.pictures) ** 0.5
        assert check.accuracy > blind, (name, check)
