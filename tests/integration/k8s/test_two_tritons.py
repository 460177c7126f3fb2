"""Encoder and shards on two real Tritons, reached by the addresses that a cluster uses."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from search.connecting import connect, replicas
from stack.local import LocalStack
from stack.triton_control import load_model
from tests.integration.conftest import RunningTriton
from tests.integration.support.shard import unit_vectors, write_tiny_shard
from visionseek.settings import load_settings


def test_each_model_is_found_on_its_triton(
    triton: RunningTriton, start_triton: Callable[[Path], LocalStack], tmp_path: Path
) -> None:
    settings = load_settings(data=tmp_path)
    write_tiny_shard(settings.model_repository, vectors=unit_vectors(40), model="catalog_shard_07")
    second = start_triton(tmp_path)
    assert second.state.triton is not None
    load_model(second.state.triton.address, "catalog_shard_07")
    encoders, shards = (grpc.rpartition(":")[2] for grpc in (triton.address.grpc, second.triton_grpc))

    async def ask() -> None:
        server = connect(f"dns:///localhost:{encoders}+dns:///127.0.0.1:{shards}")
        try:
            assert await server.ready(deadline_s=10)
            assert await server.model_ready("vision_encoder", 1, deadline_s=10)
            assert await server.model_ready("catalog_shard_07", 1, deadline_s=10)
            # The first Triton has this one, and is not asked for it.
            assert not await server.model_ready("catalog_shard_00", 1, deadline_s=10)
            names = {
                entry.model for entry in await server.repository(deadline_s=10) if entry.state == "READY"
            }
            assert names >= {"vision_encoder", "catalog_shard_07"}
            assert "catalog_shard_00" not in names
        finally:
            await server.close()

    asyncio.run(ask())
    assert replicas(f"dns:///127.0.0.1:{shards}") == [f"127.0.0.1:{shards}"]
