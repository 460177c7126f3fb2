import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from training.dataset import build as building
from training.dataset import read_samples, verify
from training.dataset.build import build
from training.dataset.manifest import DatasetManifest
from training.dataset.recipe import Recipe
from training.dataset.shard import build_shard
from training.dataset.source import read_feed
from visionseek.errors import ArtifactError, InputError, ManifestError

Feed = Callable[..., Path]
SMALL: dict[str, Any] = {
    "seed": 5,
    "variants": 1,
    "width": 200,
    "templates": ("plain",),
    "shard_samples": 12,
    "validation": 0.2,
    "test": 0.2,
}


def made(feed: Path, out: Path, **options: Any) -> DatasetManifest:
    return build(*read_feed(feed), out, Recipe(**{**SMALL, **options}))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_seed_gives_the_same_bytes_from_another_folder(make_feed: Feed, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    made(make_feed(folder="here"), one)
    made(make_feed(folder="elsewhere"), two)
    assert contents(one) == contents(two)
    three = made(make_feed(), tmp_path / "three", seed=6)
    assert {shard.sha256 for shard in three.shards}.isdisjoint(shard.sha256 for shard in verify(one).shards)


def test_no_product_family_or_neighbour_crosses_a_split(built: Path) -> None:
    manifest = verify(built)
    seen: dict[str, set[str]] = {}
    for split in manifest.samples:
        samples = list(read_samples(built, split))
        assert len(samples) == manifest.samples[split] > 0
        products = {sample.facts["product_id"] for sample in samples}
        families = {sample.facts["family"] for sample in samples}
        assert len(products) == manifest.products[split]
        shown = {box["product_id"] for sample in samples for box in sample.facts.get("boxes", ())} - {None}
        assert shown <= products  # a shop page of the training set shows nothing that is tested on
        seen[split] = products | families
    assert not seen["train"] & seen["validation"]
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]


def test_samples_carry_picture_labels_and_boxes(built: Path) -> None:
    sources = set()
    for sample in read_samples(built, "train"):
        facts = sample.facts
        with Image.open(io.BytesIO(sample.jpeg)) as picture:
            assert picture.size == (facts["width"], facts["height"])
        assert facts["labels"].keys() == {"category", "metal", "stone", "shape"}
        assert facts["view"] in {"studio", "hand"}
        sources.add(facts["source"])
        if facts["source"] == "screenshot":
            main = [box for box in facts["boxes"] if box["kind"] == "product"]
            assert {box["product_id"] for box in main} == {facts["product_id"]}
        if facts["source"] == "augmented":
            assert facts["chain"] in Recipe().chains
    assert sources == {"catalog", "augmented", "screenshot"}


def test_the_manifest_counts_every_sample_by_slice(built: Path) -> None:
    manifest = verify(built)
    for split, slices in manifest.composition.items():
        for name in ("category", "shape", "view", "source", "metal", "stone"):
            assert sum(slices[name].values()) == manifest.samples[split], (split, name)
    assert manifest.libraries["pillow"]
    for sheet in manifest.contact_sheets:
        with Image.open(built / sheet) as page:
            assert page.format == "PNG"
    assert {"contact_sheets/category.png", "contact_sheets/source.png"} <= set(manifest.contact_sheets)


def test_a_tar_is_the_same_for_everybody(built: Path) -> None:
    with tarfile.open(built / "train-00000.tar") as tar:
        entries = tar.getmembers()
    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.mode) for entry in entries} == {
        (0, 0, 0, "", 0o644)
    }
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)


class Stop(Exception):
    pass


def test_an_interrupted_run_leaves_nothing_half_and_goes_on(
    make_feed: Feed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, whole, torn = make_feed(), tmp_path / "whole", tmp_path / "torn"
    made(feed, whole)
    original = build_shard
    done: list[str] = []

    def stops(plan: Any, folder: Path, notes: Path) -> None:
        if len(done) == 2:
            (folder / f".{plan.name}.half").write_bytes(b"half a shard")  # what kill -9 leaves behind
            (notes / f".{plan.name}.json.half").write_bytes(b"{")
            raise Stop
        original(plan, folder, notes)
        done.append(plan.name)

    monkeypatch.setattr(building, "build_shard", stops)
    with pytest.raises(Stop):
        made(feed, torn)
    assert not (torn / "manifest.json").exists()
    shards = list(torn.glob("*.tar"))
    assert len(shards) == 2
    before = {path: path.stat().st_mtime_ns for path in shards}
    monkeypatch.setattr(building, "build_shard", original)
    made(feed, torn)
    assert {path: path.stat().st_mtime_ns for path in shards} == before  # not made again
    assert contents(torn) == contents(whole)


def test_other_options_replace_what_is_there(make_feed: Feed, tmp_path: Path) -> None:
    feed = make_feed()
    made(feed, tmp_path / "out", variants=3)
    made(feed, tmp_path / "out")
    made(feed, tmp_path / "fresh")
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")


def test_a_chain_that_changed_under_its_name_is_used_anew(make_feed: Feed, tmp_path: Path) -> None:
    feed, chain = make_feed(families=3), tmp_path / "my.toml"
    hashes = []
    for step in ("mirror", "gamma"):
        chain.write_text(f'[mine]\nsteps = [{{ step = "{step}" }}]\n')
        manifest = made(
            feed, tmp_path / "out", chains=(f"{chain}:mine",), screenshots=0, test=0.0, validation=0.0
        )
        hashes.append({shard.sha256 for shard in manifest.shards})
    assert hashes[0].isdisjoint(hashes[1])


def test_bad_pictures_are_told_and_left_out(make_feed: Feed, tmp_path: Path) -> None:
    bad = {
        "broken": "images/broken.jpg", "tiny": "images/tiny.png", "thin": "images/thin.png", "gone": "images/gone.png",
        "web": "https://shop.example/1.jpg", "outside": "../../secret.png", "empty": "images/empty.jpg",
    }  # fmt: skip
    good = {"grey": "images/grey.png", "clear": "images/clear.png", "palette": "images/palette.gif"}
    extra = [
        {"id": name, "title": name, "category": "ring", "image_link": link}
        for name, link in {**bad, **good}.items()
    ]
    feed = make_feed(families=4, extra=extra)
    images = feed.parent / "images"
    (images / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 this is no picture")
    (images / "empty.jpg").write_bytes(b"")
    Image.new("RGB", (10, 10)).save(images / "tiny.png")
    Image.new("RGB", (40, 2000)).save(images / "thin.png")
    Image.new("L", (80, 80), 130).save(images / "grey.png")
    Image.new("RGBA", (80, 80), (200, 0, 0, 90)).save(images / "clear.png")
    Image.new("P", (80, 80)).save(images / "palette.gif")
    manifest = made(feed, tmp_path / "out", validation=0.0, test=0.0)
    used = {sample.facts["product_id"] for sample in read_samples(tmp_path / "out", "train")}
    assert set(good) <= used
    assert not set(bad) & used
    told = [json.loads(line) for line in (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()]
    assert {entry["product"] for entry in told} == set(bad)
    assert all(entry["reason"] for entry in told)
    assert manifest.rejected == len(told)
    assert manifest.products["train"] == len(used)


def test_no_usable_picture_at_all_is_an_error(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    feed.write_text("id,title,image_link\n1,Ring,a.jpg\n")
    with pytest.raises(InputError, match="not one picture"):
        made(feed, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_one_small_product_is_enough(tmp_path: Path) -> None:
    Image.new("RGB", (60, 60), (200, 160, 90)).save(tmp_path / "a.png")
    (tmp_path / "feed.csv").write_text("id,title,image_link\n1,Ring,a.png\n")
    manifest = made(tmp_path / "feed.csv", tmp_path / "out")
    assert manifest.samples == {"train": 3, "validation": 0, "test": 0}


def test_damage_is_noticed(make_feed: Feed, tmp_path: Path) -> None:
    made(make_feed(families=4), tmp_path / "out")
    shard = tmp_path / "out" / "train-00000.tar"
    data = shard.read_bytes()
    shard.write_bytes(data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])
    with pytest.raises(ManifestError, match="differs from its hash"):
        verify(tmp_path / "out")
    shard.write_bytes(data[:5000])
    with pytest.raises(ArtifactError, match="not a whole shard"):
        list(read_samples(tmp_path / "out", "train"))
    with pytest.raises(InputError, match="no split"):
        list(read_samples(tmp_path / "out", "nope"))


def test_files_of_others_in_the_folder_are_left_alone(make_feed: Feed, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("holiday.tar", ".secret.tar.gz", "train-1.tar"):
        (tmp_path / "out" / name).write_bytes(b"mine")
    (tmp_path / "out" / "train-00099.tar").write_bytes(b"a shard of an older plan")
    made(make_feed(families=3), tmp_path / "out")
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"holiday.tar", ".secret.tar.gz", "train-1.tar"} <= left
    assert "train-00099.tar" not in left
