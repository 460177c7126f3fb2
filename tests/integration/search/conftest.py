from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from search.triton import Triton
from stack.local import LocalStack
from stack.processes import Process
from tests.support.search_world import World


class LocalTriton:
    """A Triton of this area's own, that may be killed and hung; it comes back on the same ports."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack

    @property
    def data(self) -> Path:
        return self.stack.settings.data

    @property
    def process(self) -> Process:
        run = self.stack.state.triton
        assert run is not None
        return run.process

    def kill(self) -> None:
        """As a machine that loses its power: no goodbye to anyone."""
        process = self.process
        os.killpg(process.pid, signal.SIGKILL)
        while process.alive:
            time.sleep(0.01)

    def pause(self) -> None:
        """As a machine that hangs: connections stay open, nothing answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)


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
