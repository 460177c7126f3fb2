"""The way of one query: decode, encode, shards, rank; one deadline for all of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.decoding import Decoded, decode
from api.problems import UNAVAILABLE, Problem, kind_of
from api.query import SearchQuery
from api.serving import Serving
from api.timing import Stages
from search.pointer import Pointer
from search.ranking import group_by_product
from search.searcher import SearchAnswer
from visionseek.errors import DeadlineExceeded, ImageRejected
from visionseek.vocabulary import Candidate, Coverage, Hit, Product

# Shards answer with images; a product has several, and a few may be deleted since the generation was built.
_CANDIDATES_A_HIT = 4
_SPARE = 16
# A second, wider look where one product filled the first one with its images.
_WIDER = 8
# Kept back from Triton's share of the deadline for the catalog and the answer itself.
_RANK_RESERVE_S = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query found, and how long each stage took in milliseconds."""

    decoded: Decoded
    hits: tuple[Hit, ...]
    found: SearchAnswer
    milliseconds: dict[str, float]


@asynccontextmanager
async def deadline(serving: Serving) -> AsyncIterator[float]:
    """Around a query: its permit and its deadline, as seconds on the monotonic clock.

    How long it took decides how many may come in after it.

    Raises:
        Overloaded: every permit is taken.
        DeadlineExceeded: the time is over, wherever the query was.
    """
    started = time.monotonic()
    with serving.queries.lease().take():
        try:
            async with asyncio.timeout(serving.deadline_s):
                yield started + serving.deadline_s
        except TimeoutError as error:
            serving.admission.missed()
            raise DeadlineExceeded(f"no answer within {serving.deadline_s * 1e3:.0f} ms") from error
        except DeadlineExceeded:
            serving.admission.missed()
            raise
        serving.admission.answered(time.monotonic() - started)


async def decoded_for(
    serving: Serving, generation: Pointer, picture: bytes, query: SearchQuery, stages: Stages
) -> Decoded:
    """The picture as the generation's encoder takes it, decoded in a thread.

    Raises:
        ImageRejected: no usable picture.
        Problem: a region outside of it, or too small to search.
    """
    encoder = generation.encoder
    try:
        with stages.measure("decode"):
            return await serving.decode(
                lambda: decode(picture, encoder.image_size, encoder.pixel_rule, query.region, serving.limits)
            )
    except (ImageRejected, Problem) as error:
        kind = kind_of(error) if isinstance(error, ImageRejected) else error.kind
        serving.metrics.pictures_refused.labels(kind.name).inc()
        raise


async def answer(serving: Serving, picture: bytes, query: SearchQuery, ends: float, stages: Stages) -> Answer:
    """Search the catalog with a picture.

    Args:
        serving: the running app.
        picture: the bytes that came in.
        query: what was asked.
        ends: the deadline, from `deadline`.
        stages: gets the time of each stage.

    Raises:
        ImageRejected, InputError, Problem: what the caller got wrong, or coverage is not what was demanded.
        Unavailable, DeadlineExceeded, FingerprintMismatch: from the searcher.
    """
    generation = serving.searcher.snapshot()
    decoded = await decoded_for(serving, generation, picture, query, stages)

    async def look(candidates: int) -> tuple[SearchAnswer, tuple[Hit, ...]]:
        left = ends - time.monotonic()
        found = await serving.searcher.search(
            decoded.pixels,
            k=candidates,
            deadline_s=max(left - min(_RANK_RESERVE_S, left / 4), 0.0),
            filter=query.filter,
            snapshot=generation,
        )
        if query.require_full_coverage and not found.coverage.full:
            raise _not_covered(found.coverage)
        stages.add("encode", found.timings.get("encode", 0.0))
        stages.add("shards", found.timings.get("shards", 0.0))
        stages.add("rank", found.timings.get("merge", 0.0))
        return found, await _rank(serving, found, query, stages)

    wanted = query.k * _CANDIDATES_A_HIT + _SPARE
    found, hits = await look(wanted)
    if len(hits) < query.k and len(found.candidates) >= wanted:
        found, hits = await look(wanted * _WIDER)
    milliseconds = stages.milliseconds()
    serving.metrics.observe_query(milliseconds, found.coverage, found.generation)
    return Answer(decoded, hits, found, milliseconds)


async def _rank(serving: Serving, found: SearchAnswer, query: SearchQuery, stages: Stages) -> tuple[Hit, ...]:
    with stages.measure("rank"):
        ids = [candidate.image_id for candidate in found.candidates]
        products = await serving.read(lambda: serving.catalog.products_by_image(ids))
        if query.group:
            return group_by_product(found.candidates, products, query.k)
        return _by_image(found.candidates, products)[: query.k]


def _not_covered(coverage: Coverage) -> Problem:
    return Problem(
        UNAVAILABLE,
        f"{coverage.answered} of {coverage.shards} shards answered, and full coverage was demanded",
        mend="try again, or without require_full_coverage",
        more={"coverage": {"shards": coverage.shards, "answered": coverage.answered}},
    )


def _by_image(candidates: tuple[Candidate, ...], products: Mapping[int, Product]) -> tuple[Hit, ...]:
    hits = []
    for candidate in candidates:
        product = products.get(candidate.image_id)
        image = next((i for i in product.images if i.id == candidate.image_id), None) if product else None
        if product is not None and image is not None:
            hits.append(Hit(product, candidate.score, image))
    return tuple(hits)
