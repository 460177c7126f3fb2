"""One evaluation: embed the gallery, embed the queries, rank, count."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.evaluate.calibration import Calibration, calibrate
from training.evaluate.encoder import Encoder, Pixels, Vectors
from training.evaluate.figures import Metrics, slice_metrics
from training.evaluate.look import Look
from training.evaluate.pixel_cache import PixelCache
from training.evaluate.ranking import Answer, rank
from training.evaluate.suite import Query, Suite
from training.evaluate.templates import TemplateFigures, by_template
from training.trained_on import require_apart
from visionseek.errors import InputError

TEXT_WEIGHT = 0.5
"""Of the words against the picture, where a query has both."""
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The outcome.

    Attributes:
        suite: what was asked, without the slices that this encoder cannot answer.
        encoder: its name.
        answers: one a query.
        metrics: by slice.
        templates: of slices of whole screenshots, those that are found the least first.
        calibration: of the confidence in the first hit, or why there is none.
        skipped: slice -> why it was not asked.
        apart: whether the encoder's record says that it never saw these products; None without a record.
        seconds: how long embedding took.
    """

    suite: Suite
    encoder: str
    answers: tuple[Answer, ...]
    metrics: Metrics
    templates: Mapping[str, Sequence[TemplateFigures]]
    calibration: Calibration | str
    skipped: dict[str, str]
    apart: bool | None
    seconds: float


def evaluate_encoder(
    suite: Suite,
    encoder: Encoder,
    *,
    cache: Path | None = None,
    text_weight: float = TEXT_WEIGHT,
    seed: int = 0,
    on_start: Callable[[int], None] = lambda _count: None,
    on_done: Callable[[int], None] = lambda _count: None,
) -> Evaluation:
    """Ask `encoder` every query of `suite` that it can take.

    Args:
        suite: gallery and queries.
        encoder: what is measured.
        cache: folder that keeps the pixels of screenshots from run to run; None for none.
        text_weight: of the words in `image+text`.
        seed: of the bootstrap.
        on_start: called with the number of pictures to embed.
        on_done: called with the number of pictures embedded since the last call.

    Raises:
        InputError: the encoder was trained on products of the suite, or a picture cannot be read.
        VisionSeekError: the encoder failed.
    """
    if encoder.trained_on is not None:
        asked_for = {number for query in suite.queries for number in (query.subject, *query.right)}
        require_apart(
            encoder.trained_on,
            [name for n in asked_for for name in (suite.items[n].id, *suite.items[n].files)],
            [suite.items[number].family for number in asked_for],
            who=encoder.name,
            suite=suite.name,
        )
    pixels = PixelCache(cache, encoder.size, encoder.rule)
    started = time.monotonic()
    queries, skipped = _possible(suite, encoder)
    looks = [look for item in suite.items for look in item.pictures]
    asked = list(dict.fromkeys(query.look for query in queries if query.look is not None))
    # Both looks of a screenshot next to each other: it is drawn once.
    asked.sort(key=lambda look: (look.shot is not None, str(look.path), look.cropped))
    on_start(len(looks) + len(asked))
    gallery = embed_looks(encoder, looks, pixels, on_done)
    pictures = dict(zip(asked, embed_looks(encoder, asked, pixels, on_done), strict=True)) if asked else {}
    texts = list(dict.fromkeys(query.text for query in queries if query.text))
    words = dict(zip(texts, encoder.encode_texts(texts), strict=True)) if texts else {}
    vectors = np.stack([_query_vector(query, pictures, words, text_weight) for query in queries])
    seconds = time.monotonic() - started
    starts = np.cumsum([0, *(len(item.pictures) for item in suite.items[:-1])])
    answers = rank(queries, vectors, gallery, starts)
    answered = Suite(
        suite.name, suite.items, tuple(queries), suite.precision_depths, suite.notes, suite.parameters
    )
    return Evaluation(
        suite=answered,
        encoder=encoder.name,
        answers=tuple(answers),
        metrics=slice_metrics(answered, answers, seed=seed),
        templates=by_template(answered, answers, pixels, seed=seed),
        calibration=calibrate(answered, vectors, gallery, starts, seed=seed),
        skipped=skipped,
        apart=None if encoder.trained_on is None else True,
        seconds=seconds,
    )


def embed_looks(
    encoder: Encoder,
    looks: Sequence[Look],
    pixels: PixelCache,
    on_done: Callable[[int], None] = lambda _count: None,
) -> Vectors:
    """Embed pictures in batches, [N, D]; a batch is read while the one before it is embedded."""
    rows = []
    batches = [looks[start : start + _BATCH] for start in range(0, len(looks), _BATCH)]
    with ThreadPoolExecutor(1) as reader:

        def read(number: int) -> Future[list[Pixels]] | None:
            return reader.submit(_read, pixels, batches[number]) if number < len(batches) else None

        coming = read(0)
        for number, batch in enumerate(batches, start=1):
            assert coming is not None
            pictures = coming.result()
            coming = read(number)
            rows.append(encoder.encode_images(pictures))
            on_done(len(batch))
    return np.concatenate(rows)


def _read(pixels: PixelCache, looks: Sequence[Look]) -> list[Pixels]:
    return [pixels.of(look) for look in looks]


def _possible(suite: Suite, encoder: Encoder) -> tuple[list[Query], dict[str, str]]:
    if encoder.reads_text:
        return list(suite.queries), {}
    queries = [query for query in suite.queries if not query.text]
    skipped = {query.slice: "this encoder reads no text" for query in suite.queries if query.text}
    if not queries:
        raise InputError(f"{suite.name} has no query without text", where=encoder.name)
    return queries, skipped


def _query_vector(
    query: Query, pictures: dict[Look, Vectors], words: dict[str, Vectors], weight: float
) -> Vectors:
    if query.look is None:
        return words[query.text]
    if not query.text:
        return pictures[query.look]
    both = (1 - weight) * pictures[query.look] + weight * words[query.text]
    return np.asarray(both / np.linalg.norm(both), dtype=np.float32)
