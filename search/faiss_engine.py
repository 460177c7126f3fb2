"""FAISS shards on Triton: all shards at once, one deadline; a silent shard costs coverage, not the query."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from search.engine import EngineAnswer
from search.filters import filter_text
from search.merge import Found, merge
from search.model_server import ModelServer, Vectors
from search.pointer import Pointer, ShardVersion
from visionseek.errors import DeadlineExceeded, Unavailable
from visionseek.vocabulary import Coverage


class FaissEngine:
    """Implements `Engine` over a model server that serves `catalog_shard_*`."""

    def __init__(self, server: ModelServer) -> None:
        self._server = server

    async def search(
        self,
        query: Vectors,
        *,
        pointer: Pointer,
        k: int,
        deadline_s: float,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 -- as in the protocol
    ) -> EngineAnswer:
        """Ask every shard of the pointer's generation and merge; see `Engine.search`."""
        parameters: dict[str, str | int | bool] = {"k": k}
        if filter:
            parameters["filter"] = filter_text(filter)
        started = time.perf_counter()
        asked = [shard for shard in pointer.shards if shard.images]  # an empty shard has nothing to say
        answers = await asyncio.gather(*(self._ask(shard, query, parameters, deadline_s) for shard in asked))
        answered = time.perf_counter()
        failures = {s.model: a for s, a in zip(asked, answers, strict=True) if isinstance(a, Unavailable)}
        if failures and len(failures) == len(asked):
            raise _nothing_answered(failures, len(pointer.shards))
        candidates = merge((a for a in answers if not isinstance(a, Unavailable)), k)
        merged = time.perf_counter()
        return EngineAnswer(
            candidates=candidates,
            coverage=Coverage(len(pointer.shards), len(pointer.shards) - len(failures)),
            failures=failures,
            timings={"shards": (answered - started) * 1e3, "merge": (merged - answered) * 1e3},
        )

    async def _ask(
        self,
        shard: ShardVersion,
        query: Vectors,
        parameters: Mapping[str, str | int | bool],
        deadline_s: float,
    ) -> Found | Unavailable:
        try:
            outputs = await self._server.infer(
                shard.model,
                shard.version,
                {"query": query[None, :]},
                ["scores", "image_ids"],
                deadline_s=deadline_s,
                parameters=parameters,
            )
        except Unavailable as error:
            return error
        return outputs["scores"][0], outputs["image_ids"][0]


def _nothing_answered(failures: Mapping[str, Unavailable], shards: int) -> Unavailable:
    name, first = next(iter(failures.items()))
    late = all(isinstance(error, DeadlineExceeded) for error in failures.values())
    kind = DeadlineExceeded if late else type(first)
    return kind(f"none of {shards} shards answered; {name}: {first.what}", where=first.where, mend=first.mend)
