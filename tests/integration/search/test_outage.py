"""Triton goes away, hangs and comes back."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest

from search.pointer import read_pointer
from search.searcher import Searcher
from search.serving import ensure_serving
from search.triton import Triton
from tests.integration.search.local_triton import LocalTriton
from tests.support.search_world import World, flip_byte, picture
from visionseek.errors import DeadlineExceeded, Unavailable

pytestmark = pytest.mark.anyio


async def test_a_killed_triton_is_unavailable_at_once_and_works_again_after_its_restart(
    world: World, local_triton: LocalTriton
) -> None:
    world.add_encoder(1)
    pointer = await world.refresh(1, shards=1)
    searcher = Searcher(world.index, world.server)
    assert (await searcher.search(picture(1), k=1, deadline_s=5)).coverage.full

    local_triton.kill()
    for _ in range(20):  # long enough for gRPC's back-off to grow
        began = time.monotonic()
        with pytest.raises(Unavailable):
            await searcher.search(picture(1), k=1, deadline_s=1.0)
        assert time.monotonic() - began < 1.2
        await asyncio.sleep(0.1)
    world.build(1, shards=1)
    with pytest.raises(Unavailable, match="visionseek up"):
        await world.publisher().publish()
    assert read_pointer(world.index) == pointer

    address = local_triton.stack.triton_grpc
    await asyncio.to_thread(local_triton.stack.start)
    assert local_triton.stack.triton_grpc == address
    async with Triton(local_triton.stack.triton_grpc) as fresh:
        await ensure_serving(fresh, pointer, world.repository, deadline_s=60)
    back = time.monotonic()
    answer = None
    while answer is None and time.monotonic() - back < 3.0:
        with suppress(Unavailable):  # the old connection needs up to a second to be tried again
            answer = await searcher.search(picture(1), k=1, deadline_s=5.0)
    assert answer is not None
    assert answer.candidates[0].image_id == world.image_id(1)


async def test_a_hanging_triton_costs_the_deadline_and_no_more(
    world: World, local_triton: LocalTriton
) -> None:
    world.add_encoder(1)
    await world.refresh(1, shards=1)
    searcher = Searcher(world.index, world.server)
    await searcher.search(picture(1), k=1, deadline_s=5)
    local_triton.pause()
    try:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await searcher.search(picture(1), k=1, deadline_s=0.5)
        assert time.monotonic() - began < 0.8
    finally:
        local_triton.resume()
    assert (await searcher.search(picture(1), k=1, deadline_s=5)).coverage.full


async def test_triton_itself_refuses_a_shard_with_a_flipped_byte(world: World) -> None:
    world.add_encoder(1)
    pointer = await world.refresh(1, shards=1)
    await world.server.unload("catalog_shard_00", deadline_s=30)
    flip_byte(world.repository / "catalog_shard_00" / str(pointer.generation) / "image_ids.npy")
    with pytest.raises(Unavailable, match=r"image_ids\.npy"):
        await world.server.load("catalog_shard_00", deadline_s=30)


async def test_nothing_listens_there() -> None:
    async with Triton("127.0.0.1:9") as nowhere:
        assert not await nowhere.ready(deadline_s=1.0)
        with pytest.raises(Unavailable, match="visionseek up"):
            await nowhere.repository(deadline_s=1.0)
