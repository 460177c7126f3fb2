"""Two kinds of Triton seen as one: the encoder's with the GPU, and the shards' with the memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from search.model_server import ModelServer, ServedVersion

SHARD_PREFIX = "catalog_shard_"


class SplitServer:
    """Implements `ModelServer`: `catalog_shard_*` is asked of `shards`, any other model of `encoders`.

    Args:
        encoders: serves the encoders.
        shards: serves the shards.
    """

    def __init__(self, encoders: ModelServer, shards: ModelServer) -> None:
        self._encoders = encoders
        self._shards = shards

    @property
    def address(self) -> str:
        """Both addresses."""
        return f"{self._encoders.address} and {self._shards.address}"

    async def infer(
        self,
        model: str,
        version: int,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        deadline_s: float,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one version of a model; see `ModelServer.infer`."""
        return await self._of(model).infer(
            model, version, inputs, outputs, deadline_s=deadline_s, parameters=parameters
        )

    async def load(self, model: str, *, deadline_s: float, config: str | None = None) -> None:
        """Load or reload a model; see `ModelServer.load`."""
        await self._of(model).load(model, deadline_s=deadline_s, config=config)

    async def unload(self, model: str, *, deadline_s: float) -> None:
        """Stop serving every version of a model."""
        await self._of(model).unload(model, deadline_s=deadline_s)

    async def ready(self, *, deadline_s: float) -> bool:
        """Whether both take requests."""
        return all(
            await asyncio.gather(
                self._encoders.ready(deadline_s=deadline_s), self._shards.ready(deadline_s=deadline_s)
            )
        )

    async def model_ready(self, model: str, version: int, *, deadline_s: float) -> bool:
        """Whether this version of a model answers."""
        return await self._of(model).model_ready(model, version, deadline_s=deadline_s)

    async def repository(self, *, deadline_s: float) -> list[ServedVersion]:
        """Every version that either knows of, each told by the one that is asked for it."""
        lists = await asyncio.gather(
            self._encoders.repository(deadline_s=deadline_s), self._shards.repository(deadline_s=deadline_s)
        )
        sides = zip((self._encoders, self._shards), lists, strict=True)
        return [entry for side, entries in sides for entry in entries if self._of(entry.model) is side]

    async def config(self, model: str, *, deadline_s: float) -> dict[str, Any]:
        """The model's configuration; see `ModelServer.config`."""
        return await self._of(model).config(model, deadline_s=deadline_s)

    async def close(self) -> None:
        """Give both connections back."""
        await asyncio.gather(self._encoders.close(), self._shards.close())

    def _of(self, model: str) -> ModelServer:
        return self._shards if model.startswith(SHARD_PREFIX) else self._encoders
