"""A real Triton that every area's integration tests may share, and empty ones of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stack import local
from stack.local import LocalStack
from stack.triton_control import TritonAddress, load_model
from tests.integration.support.encoder import write_tiny_encoder
from tests.integration.support.shard import unit_vectors, write_tiny_shard
from visionseek.manifests import EncoderManifest
from visionseek.settings import Settings, load_settings

SHARD = "catalog_shard_00"
SHARD_ROWS = 60


@dataclass(frozen=True)
class RunningTriton:
    """A Triton that serves `vision_encoder` 1 (32 px, 8 dimensions) and `catalog_shard_00` 1 (60 rows)."""

    stack: LocalStack
    settings: Settings
    address: TritonAddress
    encoder: EncoderManifest

    @property
    def repository(self) -> Path:
        return self.settings.model_repository


@pytest.fixture(scope="session")
def empty_shipped_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shipped")


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_seeded(empty_shipped_repository: Path) -> Iterator[None]:
    """These tests bring models of their own; the shipped encoder is tried end to end elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local, "shipped_repository", lambda: empty_shipped_repository)
        yield


@pytest.fixture(scope="session")
def start_triton() -> Iterator[Callable[[Path], LocalStack]]:
    """Start a Triton on a data folder; it is stopped at the end of the session."""
    running = []

    def start(data: Path) -> LocalStack:
        stack = LocalStack(load_settings(data=data), api=False)
        running.append(stack)
        stack.start()
        return stack

    yield start
    for stack in running:
        stack.stop()


@pytest.fixture(scope="session")
def triton(
    tmp_path_factory: pytest.TempPathFactory, start_triton: Callable[[Path], LocalStack]
) -> RunningTriton:
    """One for the whole session; tests may add models and versions of their own names to it."""
    data = tmp_path_factory.mktemp("data")
    settings = load_settings(data=data)
    encoder = write_tiny_encoder(settings.model_repository)
    write_tiny_shard(settings.model_repository, vectors=unit_vectors(SHARD_ROWS), model=SHARD)
    stack = start_triton(data)
    run = stack.state.triton
    assert run is not None
    load_model(run.address, SHARD)
    return RunningTriton(stack, settings, run.address, encoder)
