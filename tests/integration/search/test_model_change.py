"""A model change without downtime: encoders are promoted and rolled back while queries run."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from search.fake import encode, projection
from search.pointer import Pointer
from search.searcher import SearchAnswer, Searcher
from tests.support.search_world import DIMENSION, World, fingerprint_of, picture

SECONDS = 30.0
CLIENTS = 4
PRODUCTS = 12


@dataclass
class Seen:
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    slowest_ms: float = 0.0


def expected_scores(world: World, version: int) -> dict[int, dict[int, float]]:
    """Product number -> catalog image -> score, as this encoder alone would give them."""
    matrix = projection(fingerprint_of(version), DIMENSION)
    vectors = encode(np.stack([picture(number) for number in range(PRODUCTS)]), matrix)
    ids = [world.image_id(number) for number in range(PRODUCTS)]
    scores = vectors @ vectors.T
    return {n: dict(zip(ids, scores[n].tolist(), strict=True)) for n in range(PRODUCTS)}


@pytest.mark.anyio
@pytest.mark.timeout(180)
async def test_promotions_and_a_rollback_under_queries_cost_no_error_and_mix_nothing(world: World) -> None:
    world.add_encoder(1)
    generations = {}

    def serves(pointer: Pointer) -> Pointer:
        generations[pointer.generation] = pointer.encoder.fingerprint
        return pointer

    first = serves(await world.refresh(1, shards=1))
    expected = {fingerprint_of(version): expected_scores(world, version) for version in (1, 2, 3)}
    searcher = Searcher(world.index, world.server)
    seen = Seen()
    ends = time.monotonic() + SECONDS
    changed = asyncio.Event()

    def check(answer: SearchAnswer, number: int) -> None:
        assert answer.coverage.full
        assert generations[answer.generation] == answer.fingerprint
        # Scores of another encoder, or of vectors by another encoder, are nowhere near these.
        scores = expected[answer.fingerprint][number]
        assert answer.candidates[0].image_id == world.image_id(number)
        assert len(answer.candidates) == PRODUCTS
        for candidate in answer.candidates:
            assert candidate.score == pytest.approx(scores[candidate.image_id], abs=1e-4)

    async def client(start: int) -> None:
        number = start
        while time.monotonic() < ends or not changed.is_set():
            number = (number + 1) % PRODUCTS
            began = time.perf_counter()
            answer = await searcher.search(picture(number), k=PRODUCTS, deadline_s=5.0)
            seen.slowest_ms = max(seen.slowest_ms, (time.perf_counter() - began) * 1e3)
            check(answer, number)
            seen.answers[answer.generation, answer.fingerprint] += 1
            await asyncio.sleep(0.02)

    async def change() -> None:
        pointer = first
        for version in (2, 3):
            world.add_encoder(version)
            await world.embed(version, also=pointer)
            built = world.build(version, shards=version - 1)
            generations[built.generation] = built.encoder.fingerprint
            pointer = serves(await world.publisher().publish())
            await asyncio.sleep(1.0)
        back = await world.publisher().rollback()
        assert back.encoder.fingerprint == fingerprint_of(2)
        await asyncio.sleep(1.0)
        changed.set()

    await asyncio.gather(change(), *(client(start) for start in range(CLIENTS)))
    assert {fingerprint for _, fingerprint in seen.answers} == {fingerprint_of(v) for v in (1, 2, 3)}
    assert sum(seen.answers.values()) > 200
    assert (await searcher.search(picture(0), k=1, deadline_s=5.0)).fingerprint == fingerprint_of(2)
    print(f"{dict(seen.answers)}, slowest {seen.slowest_ms:.0f} ms")  # noqa: T201 -- shown by pytest -s
