"""Which items come first for each query: exact, ties against the right answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.evaluate.encoder import Vectors
from training.evaluate.suite import Query

TOP = 10
_QUERIES_EACH = 256


@dataclass(frozen=True, slots=True)
class Answer:
    """The ranked answer to a query.

    Attributes:
        rank: of the first right item, from 1.
        average_precision: mean over the right items of (right items up to it) / (its rank).
        top: numbers of the first `TOP` items.
        scores: their scores.
        pictures: row of the gallery picture that spoke for each.
    """

    rank: int
    average_precision: float
    top: tuple[int, ...]
    scores: tuple[float, ...]
    pictures: tuple[int, ...]


def item_scores(
    queries: Vectors, gallery: Vectors, starts: npt.NDArray[np.int64]
) -> Iterator[tuple[int, Vectors, Vectors]]:
    """Score every item by its best picture, some queries at a time.

    Args:
        queries: [Q, D] of unit length.
        gallery: [N, D] of unit length, the pictures of an item next to each other.
        starts: [P], first row of each item.

    Yields:
        The number of the first query, scores of pictures [q, N] and scores of items [q, P].
    """
    for first in range(0, len(queries), _QUERIES_EACH):
        pictures = np.asarray(queries[first : first + _QUERIES_EACH] @ gallery.T, dtype=np.float32)
        yield first, pictures, np.maximum.reduceat(pictures, starts, axis=1)


def rank(
    queries: Sequence[Query], vectors: Vectors, gallery: Vectors, starts: npt.NDArray[np.int64]
) -> list[Answer]:
    """Answer every query.

    Args:
        queries: with the right items of each.
        vectors: [Q, D], their embeddings.
        gallery: as for `item_scores`.
        starts: as for `item_scores`.
    """
    answers = []
    for first, pictures, items in item_scores(vectors, gallery, starts):
        for row, scores in enumerate(items):
            answers.append(_answer(queries[first + row], scores, pictures[row], starts))
    return answers


def _answer(
    query: Query,
    scores: npt.NDArray[np.float32],
    pictures: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
) -> Answer:
    is_right = np.zeros(len(scores), dtype=bool)
    is_right[list(query.right)] = True
    ranked = np.zeros(len(scores), dtype=bool)
    ranked[: query.pool] = True
    if query.left_out >= 0:
        ranked[query.left_out] = False
    right = np.sort(scores[is_right & ranked])[::-1]
    wrong = np.sort(scores[~is_right & ranked])
    # Before the i-th right item stand i right ones and every wrong one that scores at least as much.
    ranks = np.arange(1, len(right) + 1) + len(wrong) - np.searchsorted(wrong, right, side="left")
    candidates = np.flatnonzero(ranked)
    if len(candidates) > TOP:
        least = np.partition(scores[candidates], -TOP)[-TOP]
        candidates = candidates[scores[candidates] >= least]
    top = candidates[np.lexsort((candidates, is_right[candidates], -scores[candidates]))][:TOP]
    ends = np.append(starts[1:], len(pictures))
    return Answer(
        rank=int(ranks[0]),
        average_precision=float((np.arange(1, len(right) + 1) / ranks).mean()),
        top=tuple(int(item) for item in top),
        scores=tuple(float(scores[item]) for item in top),
        pictures=tuple(int(starts[i] + np.argmax(pictures[starts[i] : ends[i]])) for i in top),
    )
