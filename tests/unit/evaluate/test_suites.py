"""Photographs by style, and any feed."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.evaluate.encoder import Encoder
from training.evaluate.feed import feed_suite
from training.evaluate.ringfir import HELD_OUT, held_out, ringfir
from training.evaluate.run import evaluate_encoder
from training.trained_on import TrainedOn
from visionseek.errors import FeedError, InputError, NotFound
from visionseek.pixels import load_image

SHARED = Path(os.environ.get("VISIONSEEK_SHARED", "../shared")) / "data" / "ringfir"


@pytest.fixture
def styles(tmp_path: Path, shop: Path) -> Path:
    """12 classes of 3 photographs, drawn from the shop's pictures."""
    pictures = sorted((shop / "images").iterdir())
    for number in range(12):
        folder = tmp_path / f"{number:03d}"
        folder.mkdir()
        for place in range(3):
            (folder / f"{number}-{place}.png").write_bytes(pictures[4 * number + place].read_bytes())
    return tmp_path


def test_held_out_classes_are_the_last_eight_whatever_the_order() -> None:
    names = [f"{number:03d}" for number in range(2, 48, 2)]
    assert held_out(names) == held_out(names[::-1]) == tuple(names[-HELD_OUT:])
    with pytest.raises(InputError, match="too few"):
        held_out(names[:HELD_OUT])


def test_every_held_out_photograph_asks_for_its_class_without_itself(
    styles: Path, toy: Callable[..., Encoder]
) -> None:
    suite = ringfir(styles)
    assert len(suite.items) == 36
    style = [query for query in suite.queries if query.slice == "style"]
    assert len(style) == 24
    for query in style:
        assert query.pool == 24
        assert query.left_out == query.subject
        assert query.subject not in query.right
        assert {suite.items[n].attributes["type"] for n in query.right} == {
            suite.items[query.subject].attributes["type"]
        }
    result = evaluate_encoder(suite, toy())
    alone, among = result.metrics["style"], result.metrics["style-in-all"]
    assert alone["precision@1"][0] >= among["precision@1"][0] > 0.5
    assert all(
        item < 24 for q, a in zip(suite.queries, result.answers, strict=True) for item in a.top if q.pool
    )


def test_classes_that_were_trained_on_may_be_in_the_gallery_but_not_be_asked_for(
    styles: Path, toy: Callable[..., Encoder]
) -> None:
    encoder = toy()
    encoder.trained_on = TrainedOn(frozenset({"000/0-0.png"}))
    assert evaluate_encoder(ringfir(styles), encoder).apart
    for name in ("011/11-0.png", "11-0.png", "photographs/ringfir/011/11-0.png"):
        encoder.trained_on = TrainedOn(frozenset({name}))
        with pytest.raises(InputError, match=r"trained on [12] products of ringfir"):
            evaluate_encoder(ringfir(styles), encoder)


def test_missing_photographs_say_where_they_would_come_from(tmp_path: Path, styles: Path) -> None:
    with pytest.raises(NotFound, match="VISIONSEEK_SHARED"):
        ringfir(tmp_path / "nowhere")
    for photograph in list((styles / "011").iterdir())[:2]:
        photograph.unlink()
    with pytest.raises(InputError, match="1 photographs are no class"):
        ringfir(styles)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the RingFIR photographs are not here")
def test_the_real_photographs_make_the_documented_split() -> None:
    suite = ringfir(SHARED)
    assert suite.parameters["held_out"] == "032, 034, 036, 038, 040, 042, 044, 046"
    assert len(suite.items) == 1402
    assert sum(query.slice == "style" for query in suite.queries) == 546
    assert load_image(suite.items[0].pictures[0].path, 32).shape == (32, 32, 3)


def feed_of(folder: Path, rows: list[dict[str, str]]) -> Path:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    path = folder / "feed.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_any_feed_is_asked_across_views(shop: Path, toy: Callable[..., Encoder]) -> None:
    suite = feed_suite(shop / "feed.csv")
    assert (len(suite.items), len(suite.queries)) == (24, 72)
    assert suite.items[0].attributes == {
        "type": "ring", "shape": "round", "setting": "prong", "metal": "yellow gold", "stone": "ruby",
        "prongs": "4",
    }  # fmt: skip
    assert {item.family for item in suite.items} == {f"f{n}" for n in range(12)}
    result = evaluate_encoder(suite, toy())
    assert result.metrics["cross-view"]["recall@1"][0] > 0.9
    assert len(feed_suite(shop / "feed.csv", products=5).items) == 5


def test_what_a_feed_cannot_show_is_counted_not_dropped_in_silence(shop: Path, tmp_path: Path) -> None:
    for name in ("a-0.png", "a-1.png", "b-0.png"):
        (tmp_path / name).write_bytes((shop / "images" / "p000-0.png").read_bytes())
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "outside").symlink_to(shop / "images" / "p001-0.png")
    feed = feed_of(
        tmp_path,
        [
            {"id": "a", "title": "A", "image_link": "a-0.png", "additional_image_link": "a-1.png,broken.png"},
            {"id": "b", "title": "B", "image_link": "b-0.png", "additional_image_link": "missing.png"},
            {
                "id": "c",
                "title": "C",
                "image_link": "https://shop.example/c.jpg",
                "additional_image_link": "outside",
            },
            {"id": "", "title": "D", "image_link": "a-0.png", "additional_image_link": ""},
        ],
    )
    suite = feed_suite(feed)
    assert [item.id for item in suite.items] == ["a", "b"]
    assert [query.id for query in suite.queries] == ["a/cross-view/1"]
    assert sorted(suite.notes) == [
        "left out: 1 pictures that are not in the feed's folder",
        "left out: 1 products without a picture",
        "left out: 1 rows without a usable id",
        "left out: 3 pictures that are missing or cannot be read",
    ]


def test_feeds_without_anything_to_ask_are_refused(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no such feed"):
        feed_suite(tmp_path / "missing.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(FeedError, match="empty"):
        feed_suite(tmp_path / "empty.csv")
    (tmp_path / "one.png").write_bytes((shop / "images" / "p000-0.png").read_bytes())
    one = feed_of(tmp_path, [{"id": "a", "title": "A", "image_link": "one.png"}])
    with pytest.raises(InputError, match="each of 1 products has one picture"):
        feed_suite(one)
    none = feed_of(tmp_path, [{"id": "a", "title": "A", "image_link": "gone.png"}])
    with pytest.raises(FeedError, match="no picture of 1 products is there"):
        feed_suite(none)


def test_whole_pictures_go_to_an_encoder_without_a_size(shop: Path, toy: Callable[..., Encoder]) -> None:
    suite = feed_suite(shop / "feed.csv", products=4)
    whole = evaluate_encoder(suite, toy(size=None))
    squares = evaluate_encoder(suite, toy(size=64))
    assert [a.rank for a in whole.answers] == [a.rank for a in squares.answers]
    assert np.isfinite([a.average_precision for a in whole.answers]).all()
