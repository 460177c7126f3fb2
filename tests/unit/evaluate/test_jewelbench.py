"""The benchmark from a rendered folder."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from training.evaluate.captions import caption, change, spoken
from training.evaluate.encoder import Encoder
from training.evaluate.jewelbench import ensure_rendered, jewelbench
from training.evaluate.look import MIN_VISIBLE, Look, screenshot
from training.evaluate.run import evaluate_encoder
from visionseek.errors import FeedError, InputError, VisionSeekError


def test_every_kind_of_question_is_asked(shop: Path) -> None:
    suite = jewelbench(shop)
    counts = Counter(query.slice for query in suite.queries)
    assert counts == {
        "studio": 24, "on-person": 12, "lifestyle": 12, "screenshot-region": 24, "screenshot": 24, "text": 24,
        "image+text": 24,
    }  # fmt: skip
    assert suite.notes == ("24 of 600 products are rendered",)
    shown = {look.path for item in suite.items for look in item.pictures}
    views = {q.look.path for q in suite.queries if q.look and q.look.shot is None}
    assert not shown & views, "no query is a picture of the gallery"
    assert all(len(item.pictures) == 2 for item in suite.items)
    assert len({query.id for query in suite.queries}) == len(suite.queries)


def test_a_smaller_gallery_is_the_beginning_of_a_larger_one(shop: Path) -> None:
    small, large = jewelbench(shop, products=10), jewelbench(shop)
    assert large.items[:10] == small.items
    theirs = {query.id: query for query in large.queries}
    for query in small.queries:
        if query.slice != "text":  # more products can be described by the same words
            assert theirs[query.id] == query


def test_this_in_rose_gold_asks_for_the_twin_with_the_word_that_differs(shop: Path) -> None:
    suite = jewelbench(shop)
    for query in suite.queries:
        if query.slice == "image+text":
            asked_with, wanted = query.id.split("/")[0], suite.items[query.subject]
            assert asked_with != wanted.id
            assert query.text == f"in {wanted.attributes['metal']}"
            assert suite.items[int(asked_with[1:])].family == wanted.family
            assert query.look is not None
            assert query.look.path.name == f"{asked_with}-1.png"


def test_words_come_from_attributes_and_products_they_cannot_tell_apart_are_all_right(shop: Path) -> None:
    suite = jewelbench(shop)
    for query in suite.queries:
        if query.slice == "text":
            item = suite.items[query.subject]
            assert item.attributes["stone"] in query.text
            assert item.id not in query.text
            for number in query.right:
                assert dict(suite.items[number].attributes) == dict(item.attributes)
    assert any(len(query.right) > 1 for query in suite.queries if query.slice == "text")


def test_captions_read_like_a_shopper_writes() -> None:
    row = {"id": "a", "category": "ring", "style": "halo", "stone": "emerald", "shape": "emerald",
           "metal": "rose gold", "setting": "halo"}  # fmt: skip
    texts = {caption({**row, "id": str(n)}) for n in range(20)}
    assert len(texts) == 4
    for text in texts:
        assert sorted(text.replace(" in ", " ").replace(" with ", " ").split()) == sorted(
            ["rose", "gold", "emerald", "cut", "emerald", "halo", "ring"]
        )
    plain = caption({"id": "b", "category": "bracelet", "style": "link", "metal": "silver"})
    assert sorted(word for word in plain.split() if word != "in") == ["bracelet", "link", "silver"]
    assert spoken(row) == spoken({**row, "id": "b", "title": "other"})
    assert change({"stone": "ruby"}, "stone") == "with ruby"
    assert change({"setting": "4-prong"}, "setting") == "four prong setting"
    assert change({}, "metal") == ""


def test_screenshots_are_seeded_and_show_the_product(shop: Path) -> None:
    queries = [q for q in jewelbench(shop, products=3).queries if q.look and q.look.shot and q.look.cropped]
    for query in queries:
        assert query.look is not None
        assert query.look.shot is not None
        data, region, _ = screenshot(query.look.path, query.look.shot)
        again, _, _ = screenshot.__wrapped__(query.look.path, query.look.shot)
        assert data == again
        whole = Look(query.look.path, query.look.shot).open()
        crop = query.look.open()
        assert crop.width == pytest.approx((region.right - region.left) * whole.width, abs=1)
    assert 0 < MIN_VISIBLE < 1


def test_all_slices_are_answered_and_the_cache_changes_nothing(
    shop: Path, toy: Callable[..., Encoder], tmp_path: Path
) -> None:
    suite = jewelbench(shop, products=6)
    first = evaluate_encoder(suite, toy(), cache=tmp_path / "pixels")
    kept = sorted((tmp_path / "pixels").iterdir())
    assert len(kept) == 12, "two looks of six screenshots"
    kept[0].write_bytes(b"damaged")
    second = evaluate_encoder(suite, toy(), cache=tmp_path / "pixels")
    third = evaluate_encoder(suite, toy())
    assert first.answers == second.answers == third.answers
    assert first.metrics["studio"]["recall@10"][0] == 1.0
    assert not first.skipped


def test_an_encoder_without_words_skips_what_needs_them(shop: Path, toy: Callable[..., Encoder]) -> None:
    result = evaluate_encoder(jewelbench(shop, products=4), toy(reads_text=False))
    assert set(result.skipped) == {"text", "image+text"}
    assert set(result.metrics) == {"studio", "on-person", "lifestyle", "screenshot-region", "screenshot"}


def test_words_alone_or_pictures_alone_by_weight(shop: Path, toy: Callable[..., Encoder]) -> None:
    suite = jewelbench(shop, products=8)
    tops = {}
    for weight in (0.0, 0.5, 1.0):
        result = evaluate_encoder(suite, toy(), text_weight=weight)
        tops[weight] = [
            a.top[0] for q, a in zip(suite.queries, result.answers, strict=True) if q.slice == "image+text"
        ]
    asked_with = [int(q.id.split("/")[0][1:]) for q in suite.queries if q.slice == "image+text"]
    assert tops[0.0] == asked_with
    assert tops[1.0] != tops[0.0]


def rewrite(feed: Path, change_rows: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> None:
    with feed.open(newline="") as stream:
        reader = csv.DictReader(stream)
        rows, columns = list(reader), list(reader.fieldnames or ())
    rows = change_rows(rows)
    with feed.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else columns)
        writer.writeheader()
        writer.writerows(rows)


@pytest.mark.parametrize(
    ("change_rows", "says"),
    [
        (lambda rows: [], "no product"),
        (
            lambda rows: [{k: v for k, v in row.items() if k != "category"} for row in rows],
            "columns category",
        ),
        (lambda rows: [*rows, rows[0]], "'p000' is empty or comes twice"),
        (lambda rows: [{**row, "id": ""} for row in rows[:1]], "'' is empty"),
    ],
)
def test_a_feed_that_cannot_be_used_is_named(
    make_shop: Callable[..., Path], change_rows: Callable[..., list[dict[str, str]]], says: str
) -> None:
    folder = make_shop(2)
    rewrite(folder / "feed.csv", change_rows)
    with pytest.raises(FeedError, match=says):
        jewelbench(folder)


def test_no_folder_one_picture_and_an_unreadable_picture(
    make_shop: Callable[..., Path], toy: Callable[..., Encoder], tmp_path: Path
) -> None:
    with pytest.raises(FeedError, match="no feed here"):
        jewelbench(tmp_path / "nowhere")
    folder = make_shop(3, views=1)
    with pytest.raises(InputError, match="no product has a second picture"):
        jewelbench(folder)
    shutil.rmtree(folder)
    folder = make_shop(3)
    (folder / "images" / "p001-0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"p001-0\.png"):
        evaluate_encoder(jewelbench(folder), toy())
    (folder / "images" / "p001-0.png").unlink()
    with pytest.raises(InputError, match=r"p001-0\.png"):
        evaluate_encoder(jewelbench(folder), toy(), cache=tmp_path / "cache")


def test_a_full_disk_is_told_with_the_folder(
    shop: Path, toy: Callable[..., Encoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.evaluate.pixel_cache.write_atomically", refuse)
    with pytest.raises(VisionSeekError, match="No space left"):
        evaluate_encoder(jewelbench(shop, products=2), toy(), cache=tmp_path)


def test_only_what_is_missing_is_rendered(
    make_shop: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        "catalog.render.job.render_catalog", lambda _folder, *, products, **_: asked.append(products)
    )
    folder = make_shop(4)
    rewrite(folder / "feed.csv", lambda rows: [{**row, "id": f"vs600-00{row['id'][1:]}"} for row in rows])
    for count in (3, 4):
        ensure_rendered(folder, count)
    assert asked == []
    ensure_rendered(folder, 5)
    assert asked == [5]
    # A run that was stopped: its workers had not finished the second product, or not even the first.
    rewrite(folder / "feed.csv", lambda rows: [rows[0], *rows[2:]])
    ensure_rendered(folder, 3)
    rewrite(folder / "feed.csv", lambda rows: [])
    ensure_rendered(folder, 2)
    assert asked == [5, 3, 2]
