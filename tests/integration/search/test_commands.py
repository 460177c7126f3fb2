"""The commands against a real Triton, as a person would use them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from tests.integration.search.local_triton import LocalTriton
from tests.support.search_world import World, fingerprint_of, flip_byte, picture
from visionseek.cli import cli
from visionseek.errors import ManifestError, NotFound, VisionSeekError

PRODUCTS = 5


@pytest.fixture
def feed(world: World, local_triton: LocalTriton, monkeypatch: pytest.MonkeyPatch) -> World:
    """The commands work on this Triton's data folder; a feed with one picture that is none lies beside it."""
    monkeypatch.setenv("VISIONSEEK_DATA", str(local_triton.data))
    (local_triton.data / "catalog.sqlite3").unlink(missing_ok=True)
    folder = local_triton.data / "feed"
    folder.mkdir(exist_ok=True)
    rows = ["id,title,category,price,currency,image_link"]
    for number in range(PRODUCTS):
        Image.fromarray(picture(number)).save(folder / f"{number}.png")
        rows.append(f"P{number},Ring {number},ring,{100 + number},USD,{number}.png")
    (folder / "feed.csv").write_text("\n".join(rows) + "\n")
    return world


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    if isinstance(result.exception, VisionSeekError):
        raise result.exception
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return answer


def test_from_a_feed_to_a_second_encoder_and_back(feed: World, local_triton: LocalTriton) -> None:
    feed.add_encoder(1)
    with pytest.raises(NotFound, match=r"(?s)no images.*visionseek catalog import"):
        run("index", "refresh")
    run("catalog", "import", str(local_triton.data / "feed" / "feed.csv"))
    refreshed = run("index", "refresh", "--shards", "1")
    assert refreshed["embed"]["embedded"] == PRODUCTS
    assert (refreshed["generation"], refreshed["images"]) == (1, PRODUCTS)
    assert refreshed["fingerprint"] == fingerprint_of(1)

    feed.add_encoder(2)
    assert run("index", "embed")["encoder_version"] == 2
    assert run("index", "build")["generation"] == 2
    published = run("index", "publish")
    assert (published["generation"], published["previous"]) == (2, 1)
    assert published["fingerprint"] == fingerprint_of(2)
    assert run("index", "verify")["ok"]

    assert run("index", "rollback")["generation"] == 1
    rows = run("index", "list")["generations"]
    assert [(row["generation"], row["serves"]) for row in rows] == [(1, True), (2, False)]

    flip_byte(feed.index / "generations" / "2" / "catalog_shard_00" / "vectors.npy")
    with pytest.raises(ManifestError, match=r"(?s)vectors\.npy.*visionseek index build"):
        run("index", "publish", "--generation", "2")
    result = CliRunner().invoke(cli, ["index", "verify", "--json"])
    assert isinstance(result.exception, ManifestError)
    report = json.loads(result.stdout.splitlines()[-1])
    assert not report["ok"]
    assert run("index", "verify", "--generation", "1")["ok"]
