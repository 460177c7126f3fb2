"""Figures of each slice, from the answers: recall, MRR, mAP, precision by attribute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.evaluate.bootstrap import intervals
from training.evaluate.ranking import TOP, Answer
from training.evaluate.suite import ATTRIBUTES, Item, Query, Suite

RECALL_DEPTHS = (1, 5, 10)
Metrics = dict[str, dict[str, list[float]]]
"""Slice -> metric -> [value, low, high]."""


def metric_names(suite: Suite) -> list[str]:
    """The figures of this suite, in the order of the columns of `query_values`."""
    return [
        *(f"recall@{depth}" for depth in RECALL_DEPTHS),
        "mrr",
        "map",
        *(f"precision@{depth}" for depth in suite.precision_depths),
        *(f"precision@{TOP}/{attribute}" for attribute in ATTRIBUTES),
    ]


def query_values(suite: Suite, query: Query, answer: Answer) -> list[float]:
    """The figures of one query; NaN where its subject does not have the attribute."""
    return [
        *(float(answer.rank <= depth) for depth in RECALL_DEPTHS),
        1 / answer.rank,
        answer.average_precision,
        *(
            sum(item in query.right for item in answer.top[:depth]) / depth
            for depth in suite.precision_depths
        ),
        *(_precision(suite.items, query, answer, attribute) for attribute in ATTRIBUTES),
    ]


def _precision(items: Sequence[Item], query: Query, answer: Answer, attribute: str) -> float:
    """Share of the first ten items that have the subject's value of an attribute."""
    wanted = items[query.subject].attributes.get(attribute)
    if wanted is None or not answer.top:
        return float("nan")
    return sum(items[item].attributes.get(attribute) == wanted for item in answer.top) / len(answer.top)


def slice_metrics(
    suite: Suite, answers: Sequence[Answer], *, labels: Sequence[str] | None = None, seed: int = 0
) -> Metrics:
    """Every figure of every slice with its interval; figures that no query has are left out.

    Args:
        suite: with its queries.
        answers: one a query.
        labels: by what to tell the figures apart instead of the slice, one a query; queries of an empty one are
            left out.
        seed: of the bootstrap.
    """
    labels = [query.slice for query in suite.queries] if labels is None else labels
    names = metric_names(suite)
    values = np.array([query_values(suite, q, a) for q, a in zip(suite.queries, answers, strict=True)])
    found: Metrics = {}
    for label in dict.fromkeys(label for label in labels if label):
        rows = [row for row, other in enumerate(labels) if other == label]
        groups = [suite.items[suite.queries[row].subject].family for row in rows]
        table: npt.NDArray[np.float64] = intervals(values[rows], groups, seed=seed)
        found[label] = {
            name: [round(float(figure), 4) for figure in figures]
            for name, figures in zip(names, table, strict=True)
            if not np.isnan(figures[0])
        }
    return found
