from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from search.triton import Triton
from stack.local import LocalStack
from tests.integration.search.local_triton import LocalTriton
from tests.support.search_world import World


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
def local_triton(
    tmp_path_factory: pytest.TempPathFactory, start_triton: Callable[[Path], LocalStack]
) -> Iterator[LocalTriton]:
    triton = LocalTriton(start_triton(tmp_path_factory.mktemp("search")))
    yield triton
    triton.stack.stop()


@pytest.fixture
async def world(local_triton: LocalTriton, anyio_backend: str) -> AsyncIterator[World]:
    """A world on this area's Triton, which serves nothing and has an empty repository."""
    async with Triton(local_triton.stack.triton_grpc) as server:
        entries = await server.repository(deadline_s=5)
        for model in {entry.model for entry in entries if entry.state == "READY"}:
            await server.unload(model, deadline_s=30)
        for folder in ("model_repository", "index"):
            shutil.rmtree(local_triton.data / folder, ignore_errors=True)
        world = World(local_triton.data, server, onnx=True)
        world.add_products(12)
        yield world
