"""Ranks are exact, and ties never flatter."""

from pathlib import Path

import numpy as np
import pytest

from training.evaluate.figures import RECALL_DEPTHS, slice_metrics
from training.evaluate.look import Look
from training.evaluate.ranking import TOP, Answer, rank
from training.evaluate.suite import Item, Query, Suite


def brute(
    query: Query, vector: np.ndarray, gallery: np.ndarray, starts: list[int]
) -> tuple[int, float, list[int]]:
    """Rank, average precision and first items by sorting, item by item."""
    ends = [*starts[1:], len(gallery)]
    pool = range(len(starts) if query.pool is None else query.pool)
    scored = [
        (
            -max(float(vector @ gallery[row]) for row in range(starts[item], ends[item])),
            item in query.right,
            item,
        )
        for item in pool
        if item != query.left_out
    ]
    scored.sort()  # at equal scores wrong ones (False) come first
    places = [place for place, (_, right, _) in enumerate(scored, start=1) if right]
    precision = sum(found / place for found, place in enumerate(places, start=1)) / len(places)
    return places[0], precision, [item for _, _, item in scored[:TOP]]


@pytest.mark.parametrize("seed", range(5))
def test_answers_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    items = 40
    counts = rng.integers(1, 4, items)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    # Few values: scores tie often, and sums of them are exact in float32.
    gallery = rng.integers(-2, 3, (int(counts.sum()), 4)).astype(np.float32)
    vectors = rng.integers(-2, 3, (300, 4)).astype(np.float32)
    queries = []
    for number in range(300):
        right = [int(item) for item in rng.permutation(30)[: rng.integers(1, 5)]]
        left_out = -1 if number % 3 else next(item for item in range(30) if item not in right)
        pool = None if number % 2 else 30
        queries.append(Query(str(number), "s", right[0], frozenset(right), left_out=left_out, pool=pool))
    answers = rank(queries, vectors, gallery, starts)
    for query, vector, answer in zip(queries, vectors, answers, strict=True):
        place, precision, top = brute(query, vector, gallery, starts.tolist())
        assert answer.rank == place
        assert answer.average_precision == pytest.approx(precision)
        assert list(answer.top) == top
        assert list(answer.scores) == sorted(answer.scores, reverse=True)
        for item, score, row in zip(answer.top, answer.scores, answer.pictures, strict=True):
            assert starts[item] <= row < starts[item] + counts[item]
            assert float(vector @ gallery[row]) == score


def test_an_encoder_that_says_the_same_of_everything_finds_nothing() -> None:
    queries = [Query(str(n), "s", n, frozenset({n})) for n in range(20)]
    same = np.ones((20, 3), dtype=np.float32) / np.float32(np.sqrt(3))
    assert [answer.rank for answer in rank(queries, same, same, np.arange(20))] == [20] * 20


def test_figures_of_a_slice_are_means_over_its_queries() -> None:
    look = (Look(Path("never-opened")),)
    kinds = ("ring", "ring", "bracelet", "ring")
    items = tuple(Item(str(n), f"f{n}", "", look, {"type": kind}) for n, kind in enumerate(kinds))
    queries = (Query("a", "s", 0, frozenset({0})), Query("b", "s", 2, frozenset({2})))
    suite = Suite("x", items, queries, precision_depths=(1,))
    answers = [
        Answer(1, 1.0, (0, 1, 2, 3), (0.9, 0.8, 0.7, 0.6), (0, 1, 2, 3)),
        Answer(4, 0.25, (0, 1, 3, 2), (0.9, 0.8, 0.7, 0.6), (0, 1, 3, 2)),
    ]
    found = slice_metrics(suite, answers)["s"]
    assert [found[f"recall@{depth}"][0] for depth in RECALL_DEPTHS] == [0.5, 1.0, 1.0]
    assert found["mrr"][0] == found["map"][0] == 0.625
    assert found["precision@1"][0] == 0.5
    assert found["precision@10/type"][0] == pytest.approx((3 / 4 + 1 / 4) / 2)
    assert "precision@10/metal" not in found
