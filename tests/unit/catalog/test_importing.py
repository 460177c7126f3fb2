import json
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog.database import Catalog
from catalog.importing import Summary
from catalog.pictures import PictureStore
from visionseek.errors import FeedError

Import = Callable[..., Summary]
HEADER = "id,title,category,price,image_link\n"


def counts(summary: Summary) -> tuple[int, int, int, int]:
    return summary.rows, summary.accepted, summary.merged, summary.rejected


def report(tmp_path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (tmp_path / "report.jsonl").read_text("utf-8").splitlines()]


def feed(tmp_path: Path, text: str, pictures: dict[str, bytes] | None = None) -> Path:
    folder = tmp_path / "shop"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for name, data in (pictures or {}).items():
        (folder / "images" / name).write_bytes(data)
    path = folder / "feed.csv"
    path.write_text(text, "utf-8")
    return path


def test_pictures_of_the_feeds_folder_come_in_by_relative_and_absolute_paths(
    importer: Import, catalog: Catalog, store: PictureStore, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    shown = {"a.png": picture(1), "b.png": picture(2)}
    path = feed(tmp_path, "", shown)
    path.write_text(
        f"{HEADER}1,Gold Ring,Rings,€20,images/a.png\n2,Chain,Necklaces,€30,{path.parent}/images/b.png\n"
    )
    summary = importer(path)
    assert counts(summary) == (2, 2, 0, 0)
    assert (summary.images, summary.broken_images) == (2, 0)
    image = catalog.products(["1"])["1"].images[0]
    assert store.get(image.sha256) == shown["a.png"]


def test_files_outside_of_the_feeds_folder_are_read_only_when_said_so(
    importer: Import, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(picture(3))
    path = feed(tmp_path, "")
    (path.parent / "images" / "link.png").symlink_to(outside)
    rows = ["../outside.png", str(outside), outside.as_uri(), "images/link.png", "images/../../outside.png"]
    path.write_text(HEADER + "".join(f"{n},Ring,Rings,€1,{link}\n" for n, link in enumerate(rows)))
    summary = importer(path)
    assert (summary.accepted, summary.images, summary.broken_images) == (5, 0, 5)
    assert all("allow-files" in str(f["reason"]) for f in report(tmp_path) if f["outcome"] == "broken_image")
    again = importer(path, allow_files=True)
    assert (again.images, again.broken_images) == (5, 0)


def test_a_product_with_a_broken_picture_is_a_product_and_reported(
    importer: Import, catalog: Catalog, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    whole = picture(5, side=300)
    broken = {"text.png": b"hello", "half.png": whole[: len(whole) // 2], "dot.png": picture(1, side=1)}
    links = [f"images/{name}" for name in (*broken, "missing.png")]
    rows = "".join(f"{n},Ring,Rings,€1,{link}\n" for n, link in enumerate(links))
    summary = importer(feed(tmp_path, HEADER + rows, broken))
    assert counts(summary) == (4, 4, 0, 0)
    assert (summary.images, summary.broken_images) == (0, 4)
    assert len(catalog.products([str(n) for n in range(4)])) == 4
    found = {f["product_id"]: f for f in report(tmp_path) if f["outcome"] == "broken_image"}
    assert set(found) == {"0", "1", "2", "3"}
    assert found["0"]["line"] == 2
    assert "1 x 1" in str(found["2"]["reason"])
    assert "no such file" in str(found["3"]["reason"])


def test_a_repeated_import_changes_nothing(
    importer: Import, catalog: Catalog, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    rows = "1,Ring,Rings,€1,images/a.png\n1,Ring,Rings,€1,images/b.png\n2,Chain,Necklaces,,\n"
    path = feed(tmp_path, HEADER + rows, {"a.png": picture(1), "b.png": picture(2)})
    first = importer(path)
    changes, products = catalog.changes(), list(catalog.all_products())
    assert importer(path) == first
    assert catalog.changes() == changes
    assert list(catalog.all_products()) == products


def test_a_changed_picture_file_becomes_a_new_image(
    importer: Import, catalog: Catalog, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    path = feed(tmp_path, HEADER + "1,Ring,Rings,€1,images/a.png\n", {"a.png": picture(1)})
    importer(path)
    old = catalog.products(["1"])["1"].images[0].id
    (path.parent / "images" / "a.png").write_bytes(picture(2, side=50))
    importer(path)
    new = catalog.products(["1"])["1"].images[0].id
    assert new != old
    told = [(c.kind, c.change, c.image_id) for c in catalog.changes()]
    assert told[-2:] == [("image", "delete", old), ("image", "upsert", new)]


def test_rows_of_one_id_merge_when_they_are_one_product_and_are_rejected_when_not(
    importer: Import, catalog: Catalog, tmp_path: Path, picture: Callable[..., bytes]
) -> None:
    rows = (
        "1,Gold Ring,Rings,€20,images/a.png\n"
        "1,gold  ring,Rings,,images/b.png\n"
        "1,Leather Bag,Bags,€99,images/b.png\n"
        "1,,,,images/c.png\n"
    )
    pictures = {name: picture(seed) for seed, name in enumerate(["a.png", "b.png", "c.png"])}
    summary = importer(feed(tmp_path, HEADER + rows, pictures))
    assert counts(summary) == (4, 1, 2, 1)
    product = catalog.products(["1"])["1"]
    assert (product.title, product.category, len(product.images)) == ("Gold Ring", "ring", 3)
    rejected = [f for f in report(tmp_path) if f["outcome"] == "rejected"]
    assert [(f["line"], f["field"], f["value"]) for f in rejected] == [(4, "id", "Leather Bag")]
    assert "line 2" in str(rejected[0]["reason"])


def test_what_the_feed_does_not_name_is_deleted_only_when_said_so(
    importer: Import, catalog: Catalog, tmp_path: Path
) -> None:
    importer(feed(tmp_path, HEADER + "1,Ring,Rings,1,\n2,Chain,Necklaces,1,\n"))
    path = feed(tmp_path, HEADER + "1,Ring,Rings,1,\n")
    importer(path)
    assert len(catalog.products(["1", "2"])) == 2
    importer(path, delete_missing=True)
    assert list(catalog.products(["1", "2"])) == ["1"]


def test_a_large_feed_is_drafted_in_a_process_beside_to_the_same_result(
    importer: Import, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{n // 2},Ring {n // 2},Rings,{n}.50,\n" for n in range(50)) + ",nameless,,,\n"
    path = feed(tmp_path, HEADER + rows)
    within = importer(path)
    products, changes = list(catalog.all_products()), catalog.changes()
    monkeypatch.setattr("catalog.ahead.LARGE", 0)
    assert importer(path) == within
    assert (list(catalog.all_products()), catalog.changes()) == (products, changes)


def test_a_large_feed_that_is_cut_off_keeps_what_came_before(
    importer: Import, catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.ahead.LARGE", 0)
    text = json.dumps([{"id": str(n), "title": "Ring"} for n in range(14_500)])[:-30]
    with pytest.raises(FeedError, match="after 14499 objects"):
        importer(feed(tmp_path, text))
    assert catalog.counts()["products"] == 10_000
