"""A split server sends each model to its side, and nothing to the other."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from search.fake import InProcessModelServer
from search.model_server import ModelServer
from search.sharding import shard_name
from search.split import SHARD_PREFIX, SplitServer
from visionseek.errors import ModelNotServed


@pytest.fixture
def sides(tmp_path: Path) -> tuple[InProcessModelServer, InProcessModelServer]:
    return InProcessModelServer(tmp_path / "encoders"), InProcessModelServer(tmp_path / "shards")


def run(call: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(call)


def test_shards_are_named_as_the_router_expects() -> None:
    assert shard_name(0).startswith(SHARD_PREFIX)


def test_a_side_that_is_down_makes_the_whole_not_ready(
    sides: tuple[InProcessModelServer, InProcessModelServer],
) -> None:
    server: ModelServer = SplitServer(*sides)
    assert run(server.ready(deadline_s=1))
    sides[1].down = True
    assert not run(server.ready(deadline_s=1))


def test_models_are_asked_of_their_side(sides: tuple[InProcessModelServer, InProcessModelServer]) -> None:
    encoders, shards = sides
    server = SplitServer(encoders, shards)
    shards.down = True  # would fail every call that reached it
    assert not run(server.model_ready("vision_encoder", 1, deadline_s=1))
    with pytest.raises(ModelNotServed):
        run(server.infer("vision_encoder", 1, {}, [], deadline_s=1))
    shards.down, encoders.down = False, True
    assert not run(server.model_ready("catalog_shard_03", 1, deadline_s=1))
    with pytest.raises(ModelNotServed):
        run(server.infer("catalog_shard_03", 1, {}, [], deadline_s=1))


def test_the_address_names_both(sides: tuple[InProcessModelServer, InProcessModelServer]) -> None:
    assert SplitServer(*sides).address == "this process and this process"
