"""One query: pixels in, catalog images out, by one generation from beginning to end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.connecting import connect
from search.encoder import Encoder
from search.engine import Engine
from search.faiss_engine import FaissEngine
from search.model_server import ModelServer, Pixels
from search.pointer import EncoderVersion, Pointer, PointerFile
from visionseek.errors import DeadlineExceeded, FingerprintMismatch, InputError, Unavailable, VisionSeekError
from visionseek.pixels import PIXEL_VERSION
from visionseek.vocabulary import Candidate, Coverage

# Triton can be restarted with other files under the same version; this is how long that may go unseen.
_TRUST_FINGERPRINT_S = 10.0
# Kept back from the shards' deadline, so that a silent shard leaves time to answer with the others.
_MERGE_RESERVE_S = 0.02

_Failures = Mapping[str, VisionSeekError]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What a query found.

    Attributes:
        candidates: catalog images merged over all shards, best first.
        coverage: shards asked and answered.
        generation: the one that answered.
        fingerprint: of the encoder that embedded both query and catalog.
        timings: milliseconds by stage: `encode`, `shards`, `merge`.
    """

    candidates: tuple[Candidate, ...]
    coverage: Coverage
    generation: int
    fingerprint: str
    timings: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Query:
    pixels: Pixels
    k: int
    ends: float  # on the monotonic clock
    filter: Mapping[str, Any] | None

    def left(self) -> float:
        """Seconds until the deadline; raises DeadlineExceeded past it."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("the query's deadline passed")
        return left


class Searcher:
    """Answers queries with the serving generation; follows the pointer without a restart.

    Args:
        index: the index folder that holds the pointer.
        server: serves the encoder.
        engine: searches the generation; FAISS shards on `server` where none is given.
    """

    def __init__(self, index: Path, server: ModelServer, engine: Engine | None = None) -> None:
        self._pointers = PointerFile(index)
        self._server = server
        self._engine: Engine = engine or FaissEngine(server)
        self._trusted: tuple[EncoderVersion, float] | None = None

    @classmethod
    def connect(cls, index: Path, address: str) -> Searcher:
        """A searcher on the Triton at this address (see `search.connecting`); connects when first used."""
        return cls(index, connect(address))

    @property
    def server(self) -> ModelServer:
        """What serves the encoder."""
        return self._server

    async def close(self) -> None:
        """Give the connection back."""
        await self._server.close()

    def snapshot(self) -> Pointer:
        """The serving generation; prepare a query's pixels by its encoder and hand it to `search`.

        Raises:
            Unavailable: nothing is published.
        """
        return self._pointers.current()

    @property
    def image_size(self) -> int:
        """S of the pixels that the serving generation takes."""
        return self.snapshot().encoder.image_size

    @property
    def pixel_rule(self) -> str:
        """How pictures become squares for the serving generation."""
        return self.snapshot().encoder.pixel_rule

    async def search(
        self,
        pixels: Pixels,
        *,
        k: int,
        deadline_s: float,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 -- the word of the design, as in the HTTP API
        require_full_coverage: bool = False,
        snapshot: Pointer | None = None,
    ) -> SearchAnswer:
        """The `k` catalog images most like `pixels`, uint8 [S, S, 3].

        Args:
            pixels: the query, prepared by the snapshot's image size and pixel rule.
            k: how many candidates at most.
            deadline_s: seconds for everything, a retry included.
            filter: what products must have; see `docs/index.md`.
            require_full_coverage: an answer that misses a shard is an error.
            snapshot: the generation that `pixels` were prepared for; the serving one where not given.

        Raises:
            InputError: `k` or the filter is wrong.
            FingerprintMismatch: Triton serves another encoder than the index belongs to.
            Unavailable: Triton does not answer, or coverage is not full and must be.
            DeadlineExceeded: no answer in time.
        """
        if k < 1:
            raise InputError(f"k must be at least 1, got {k}")
        pointer = snapshot or self._pointers.current()
        query = _Query(pixels, k, time.monotonic() + deadline_s, filter)
        try:
            answer, failures = await self._by(pointer, query)
        except Unavailable as error:
            fresh = self._moved_from(pointer)
            if fresh is None or time.monotonic() >= query.ends:
                raise
            if _pixels_of(fresh) != _pixels_of(pointer):
                raise Unavailable(
                    "the index moved to another encoder while this query ran", mend="send the query again"
                ) from error
            answer, failures = await self._by(fresh, query)
        else:
            fresh = None if answer.coverage.full else self._moved_from(pointer)
            if fresh is not None and _pixels_of(fresh) == _pixels_of(pointer):
                answer, failures = await self._by(fresh, query)
        if require_full_coverage and not answer.coverage.full:
            raise _not_covered(answer.coverage, failures)
        return answer

    async def _by(self, pointer: Pointer, query: _Query) -> tuple[SearchAnswer, _Failures]:
        """Answer by this generation and no other; with it, why shards did not answer."""
        if pointer.encoder.pixel_version != PIXEL_VERSION:
            raise FingerprintMismatch(
                f"the index was embedded with pixel path {pointer.encoder.pixel_version}, "
                f"this is {PIXEL_VERSION}",
                mend="export the encoder again, then visionseek index refresh",
            )
        started = time.perf_counter()
        encoder = Encoder(self._server, pointer.encoder)
        try:
            await self._check_fingerprint(encoder, query)
            vectors = await encoder.encode(query.pixels[None], deadline_s=query.left())
        except Unavailable:
            self._trusted = None  # a Triton that was away may come back with other files
            raise
        encoded = time.perf_counter()
        found = await self._engine.search(
            vectors[0],
            pointer=pointer,
            k=query.k,
            deadline_s=max(query.left() - _MERGE_RESERVE_S, _MERGE_RESERVE_S),
            filter=query.filter,
        )
        answer = SearchAnswer(
            candidates=found.candidates,
            coverage=found.coverage,
            generation=pointer.generation,
            fingerprint=pointer.encoder.fingerprint,
            timings={"encode": (encoded - started) * 1e3, **found.timings},
        )
        return answer, found.failures

    def _moved_from(self, pointer: Pointer) -> Pointer | None:
        """The serving generation, where it is another one; versions of the old one may be retired by now."""
        fresh = self._pointers.refresh()
        return None if fresh == pointer else fresh

    async def _check_fingerprint(self, encoder: Encoder, query: _Query) -> None:
        now = time.monotonic()
        if self._trusted is not None:
            version, until = self._trusted
            if version == encoder.version and now < until:
                return
        await encoder.check_fingerprint(deadline_s=query.left())
        self._trusted = (encoder.version, now + _TRUST_FINGERPRINT_S)


def _pixels_of(pointer: Pointer) -> tuple[int, str, int]:
    return pointer.encoder.image_size, pointer.encoder.pixel_rule, pointer.encoder.pixel_version


def _not_covered(coverage: Coverage, failures: _Failures) -> Unavailable:
    name, first = next(iter(failures.items()))
    return Unavailable(
        f"{coverage.answered} of {coverage.shards} shards answered; {name}: {first.what}",
        where=first.where,
        mend="send the query again, or without require_full_coverage",
    )
