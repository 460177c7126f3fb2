import json
from pathlib import Path

import faiss
import numpy as np
import pytest

from search.faiss_index import build_index
from search.fake import InProcessModelServer
from search.generations import Generations
from search.sharding import shards_of
from search.shards import check_shard
from tests.support.search_world import World, flip_byte
from visionseek.errors import ArtifactError, ManifestError, NotFound, SettingsError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(tmp_path: Path, anyio_backend: str) -> World:
    world = World(tmp_path, InProcessModelServer(tmp_path / "model_repository"))
    world.add_products(40)
    world.add_encoder(1)
    await world.embed(1)
    return world


def folder_of(world: World, generation: int, shard: int) -> Path:
    return Generations(world.index).path(generation) / f"catalog_shard_{shard:02d}"


async def test_a_shard_holds_its_images_row_by_row(world: World) -> None:
    world.change_product(3, price=None, metal=None)
    built = world.build(1, shards=3)
    by_id = {image.id: (image, product) for image, product in world.catalog}
    seen = []
    for shard in range(3):
        folder = folder_of(world, built.generation, shard)
        manifest = check_shard(folder)
        assert (manifest.shard, manifest.shards, manifest.metric) == (shard, 3, "inner_product")
        ids, vectors = np.load(folder / "image_ids.npy"), np.load(folder / "vectors.npy")
        columns = json.loads((folder / "columns.json").read_bytes())
        index = faiss.read_index(str(folder / "index.faiss"))
        assert (ids.dtype, vectors.dtype, vectors.shape) == (np.int64, np.float32, (len(ids), 32))
        assert (index.ntotal, index.metric_type) == (len(ids), faiss.METRIC_INNER_PRODUCT)
        assert np.all(shards_of(ids, 3) == shard)
        np.testing.assert_array_equal(index.reconstruct_n(0, len(ids)), vectors)
        for row, image_id in enumerate(ids.tolist()):
            image, product = by_id[image_id]
            np.testing.assert_array_equal(vectors[row], world.store(1).gather([image.sha256])[0])
            assert columns["metal"][row] == product.metal
            assert columns["price"][row] == (None if product.price is None else float(product.price))
            assert columns["in_stock"][row] is product.in_stock
        seen += ids.tolist()
    assert sorted(seen) == sorted(by_id)


async def test_more_shards_than_images_leaves_some_empty_and_whole(world: World) -> None:
    del world.catalog[2:]
    built = world.build(1, shards=7)
    assert sum(shard.images for shard in built.shards) == 2
    assert Generations(world.index).check(built.generation) == built
    await world.publisher().publish()
    assert len((await world.search(0, k=5)).candidates) == 2


async def test_numbers_are_never_given_twice(world: World) -> None:
    first = world.build(1)
    await world.publisher().publish()
    Generations(world.index).remove(first.generation)
    assert world.build(1).generation == first.generation + 1


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy", "image_ids.npy", "columns.json"])
async def test_a_flipped_byte_is_found_and_named(world: World, name: str) -> None:
    built = world.build(1)
    flip_byte(folder_of(world, built.generation, 1) / name)
    with pytest.raises(ManifestError, match=rf"catalog_shard_01/{name}.*sha256"):
        Generations(world.index).check(built.generation)


async def test_missing_strange_and_swapped_files_are_found(world: World) -> None:
    built = world.build(1)
    generations = Generations(world.index)
    zero, one = (folder_of(world, built.generation, shard) for shard in (0, 1))
    (zero / "extra.bin").touch()
    with pytest.raises(ManifestError, match=r"extra\.bin not in the manifest"):
        generations.check(built.generation)
    (zero / "extra.bin").unlink()
    zero.rename(zero.with_name("aside"))
    one.rename(zero)
    zero.with_name("aside").rename(one)
    with pytest.raises(ManifestError, match="shard 0 says"):
        generations.check(built.generation)
    (one / "vectors.npy").unlink()
    zero.rename(zero.with_name("aside"))
    one.rename(zero)
    zero.with_name("aside").rename(one)
    with pytest.raises(ManifestError, match=r"vectors\.npy missing"):
        generations.check(built.generation)
    with pytest.raises(NotFound, match="kept: 1"):
        generations.check(99)


async def test_a_full_disk_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(path: Path, data: object) -> None:
        calls.append(path)
        if len(calls) > 5:
            raise OSError(28, "No space left on device", str(path))
        path.write_bytes(b"x")

    monkeypatch.setattr("search.shards.write_durably", full)
    with pytest.raises(ArtifactError, match="No space left on device"):
        world.build(1)
    assert list((world.index / "generations").iterdir()) == []


async def test_what_a_killed_build_left_is_cleared_by_the_next(world: World) -> None:
    leftover = world.index / "generations" / ".building-1" / "catalog_shard_00"
    leftover.mkdir(parents=True)
    (leftover / "index.faiss").write_bytes(b"half")
    built = world.build(1)
    assert [path.name for path in (world.index / "generations").iterdir()] == [str(built.generation)]


def test_without_faiss_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "faiss", None)
    with pytest.raises(SettingsError, match=r"visionseek\[cpu\]"):
        build_index(np.eye(4, dtype=np.float32))


def test_a_large_shard_is_indexed_with_8_bits_and_finds_nearly_all() -> None:
    generator = np.random.default_rng(3)
    centres = generator.standard_normal((200, 64), np.float32)
    vectors = centres[generator.integers(0, 200, 20_000)] + 0.6 * generator.standard_normal((20_000, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = faiss.deserialize_index(build_index(vectors, flat_up_to=10_000))
    assert isinstance(index, faiss.IndexIVF)
    assert index.nprobe > 8  # kept in the file
    queries = vectors[:200]
    truth = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    _, found = index.search(queries, 40)  # the backend scores a few times k again, exactly
    recall = np.mean([len(set(t) & set(f)) / 10 for t, f in zip(truth, found, strict=True)])
    assert recall > 0.95
