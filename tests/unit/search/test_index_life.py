from pathlib import Path

import pytest

from search.fake import InProcessModelServer
from tests.support.index_life import IndexLife
from tests.support.search_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, InProcessModelServer(tmp_path / "model_repository"))
    world.add_products(12)
    return world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
class TestInProcess(IndexLife):
    pass
