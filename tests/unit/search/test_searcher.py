"""What a query does when the world changes around it."""

from pathlib import Path

import numpy as np
import pytest

from search.encoder import Encoder
from search.fake import InProcessModelServer
from search.pointer import write_pointer
from search.searcher import Searcher
from tests.support.search_world import World, fingerprint_of, picture
from visionseek.errors import DeadlineExceeded, FingerprintMismatch, InputError, Unavailable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server(tmp_path: Path) -> InProcessModelServer:
    return InProcessModelServer(tmp_path / "model_repository")


@pytest.fixture
async def world(tmp_path: Path, server: InProcessModelServer, anyio_backend: str) -> World:
    world = World(tmp_path, server)
    world.add_products(12)
    world.add_encoder(1)
    await world.refresh(1, shards=2)
    return world


async def test_a_slow_shard_costs_coverage_and_the_answer_is_in_time(
    world: World, server: InProcessModelServer
) -> None:
    server.delays["catalog_shard_01"] = 30.0
    answer = await world.search(0, k=12, deadline_s=0.3)
    assert (answer.coverage.shards, answer.coverage.answered) == (2, 1)
    assert sum(answer.timings.values()) < 300
    with pytest.raises(Unavailable, match="catalog_shard_01"):
        await world.search(0, deadline_s=0.3, require_full_coverage=True)


async def test_all_shards_slow_is_a_deadline_error(world: World, server: InProcessModelServer) -> None:
    server.delays |= {"catalog_shard_00": 30.0, "catalog_shard_01": 30.0}
    with pytest.raises(DeadlineExceeded, match="none of 2 shards"):
        await world.search(0, deadline_s=0.2)


async def test_a_snapshot_whose_versions_were_retired_is_answered_by_the_fresh_generation(
    world: World,
) -> None:
    searcher = Searcher(world.index, world.server)
    snapshot = searcher.snapshot()
    await world.refresh(1, shards=2)
    await world.refresh(1, shards=2)  # generation 1 is retired by now
    answer = await searcher.search(picture(4), k=1, deadline_s=5.0, snapshot=snapshot)
    assert (answer.generation, answer.coverage.full) == (3, True)
    assert answer.candidates[0].image_id == world.image_id(4)


async def test_pixels_made_for_another_encoder_are_not_searched_with(world: World) -> None:
    searcher = Searcher(world.index, world.server)
    snapshot = searcher.snapshot()
    other = snapshot.encoder.model_copy(update={"pixel_rule": "shortest-crop"})
    write_pointer(world.index, snapshot.model_copy(update={"encoder": other, "generation": 9}))
    await world.server.unload("vision_encoder", deadline_s=5)
    with pytest.raises(Unavailable, match="send the query again"):
        await searcher.search(picture(4), k=1, deadline_s=5.0, snapshot=snapshot)


async def test_the_snapshot_tells_how_to_prepare_a_query(world: World) -> None:
    searcher = Searcher(world.index, world.server)
    assert (searcher.image_size, searcher.pixel_rule) == (64, "pad")
    assert searcher.snapshot().encoder.fingerprint == fingerprint_of(1)


async def test_another_pixel_path_than_the_index_was_made_with_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.searcher.PIXEL_VERSION", 999)
    with pytest.raises(FingerprintMismatch, match="999"):
        await world.search(1)


async def test_embeddings_that_are_none_are_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for bad, message in [
        (np.full((1, 32), 0.5, np.float32), "length 2.8284"),
        (np.full((1, 32), np.nan, np.float32), "length nan"),
        (np.ones((1, 31), np.float32), r"\[1, 31\]"),
        (np.ones((1, 32), np.float64), "float64"),
    ]:
        monkeypatch.setattr("search.fake.encode", lambda pixels, matrix, bad=bad: bad)
        with pytest.raises(Unavailable, match=message):
            await world.search(1)


async def test_a_deadline_that_passed_is_an_error_of_its_own(world: World) -> None:
    with pytest.raises(DeadlineExceeded):
        await world.search(2, deadline_s=0.0)


async def test_wrong_pixels_never_reach_the_encoder(world: World, server: InProcessModelServer) -> None:
    encoder = Encoder(server, Searcher(world.index, server).snapshot().encoder)
    server.calls.clear()
    with pytest.raises(ValueError, match="uint8"):
        await encoder.encode(picture(0)[None].astype(np.float32), deadline_s=5)
    with pytest.raises(ValueError, match="64, 64, 3"):
        await encoder.encode(picture(0)[None, :32], deadline_s=5)
    assert server.calls == []


async def test_k_below_one_is_refused(world: World) -> None:
    with pytest.raises(InputError, match="k must be at least 1"):
        await world.search(1, k=0)


async def test_nothing_published_says_what_to_do(tmp_path: Path, server: InProcessModelServer) -> None:
    with pytest.raises(Unavailable, match="visionseek index refresh"):
        await Searcher(tmp_path / "nowhere", server).search(picture(1), k=1, deadline_s=1)
