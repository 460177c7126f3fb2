"""The protocol of a search engine: a query vector in, catalog images out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from search.model_server import Vectors
from search.pointer import Pointer
from visionseek.errors import VisionSeekError
from visionseek.vocabulary import Candidate, Coverage


@dataclass(frozen=True, slots=True)
class EngineAnswer:
    """What an engine found.

    Attributes:
        candidates: catalog images, best first.
        coverage: how many shards were asked and answered.
        failures: shard name -> why it did not answer.
        timings: milliseconds by stage: `shards`, `merge`.
    """

    candidates: tuple[Candidate, ...]
    coverage: Coverage
    failures: Mapping[str, VisionSeekError] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """Searches one generation."""

    async def search(
        self,
        query: Vectors,
        *,
        pointer: Pointer,
        k: int,
        deadline_s: float,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 -- the word of the design, as in the HTTP API
    ) -> EngineAnswer:
        """The `k` catalog images of the pointer's generation with the largest inner product to `query` [D].

        Raises:
            InputError: the filter is wrong.
            Unavailable: no shard answered.
            DeadlineExceeded: no shard answered in time.
        """
        ...
