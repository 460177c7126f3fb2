from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from search.triton import Triton
from stack.local import LocalStack
from stack.ports import choose_port
from tests.integration.search.local_triton import LocalTriton
from tests.support.search_world import World
from visionseek.settings import load_settings


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
def local_triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTriton]:
    port = choose_port("127.0.0.1", 0, setting="triton_grpc_port")
    settings = load_settings(data=tmp_path_factory.mktemp("search"), triton_grpc_port=port)
    stack = LocalStack(settings, api=False)
    try:
        stack.start()
        yield LocalTriton(stack)
    finally:
        stack.stop()


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
