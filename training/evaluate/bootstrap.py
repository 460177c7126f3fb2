"""Bootstrap intervals of means whose values come in groups that depend on each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000
LEVEL = 0.95
_CELLS = 4_000_000  # of the matrix of weights that is held at a time


def intervals(
    values: npt.NDArray[np.float64],
    groups: Sequence[str],
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> npt.NDArray[np.float64]:
    """Mean and percentile interval at 95 % of each column (Efron and Tibshirani 1993, chapter 13).

    Whole groups are drawn with replacement, so queries of one family never pass for independent ones. Where
    all values are equal, the interval has no width.

    Args:
        values: [Q, M]; NaN where a query has no such value.
        groups: of each of the Q queries.
        seed: of the draws; columns share them.
        resamples: how many draws.

    Returns:
        [M, 3]: mean, low, high; NaN for a column without a value.
    """
    names, of = np.unique(np.asarray(groups), return_inverse=True)
    known = ~np.isnan(values)
    sums = np.zeros((len(names), values.shape[1]))
    counts = np.zeros_like(sums)
    np.add.at(sums, of, np.where(known, values, 0.0))
    np.add.at(counts, of, known.astype(np.float64))
    rng = np.random.default_rng(seed)
    means = []
    share = np.full(len(names), 1 / len(names))
    step = max(1, _CELLS // len(names))
    with np.errstate(invalid="ignore", divide="ignore"):
        for start in range(0, resamples, step):
            weights = rng.multinomial(len(names), share, size=min(step, resamples - start)).astype(np.float64)
            means.append((weights @ sums) / (weights @ counts))
        drawn = np.concatenate(means)
        mean = sums.sum(0) / counts.sum(0)
    out = np.full((values.shape[1], 3), np.nan)
    for column in range(values.shape[1]):
        defined = drawn[~np.isnan(drawn[:, column]), column]
        if counts[:, column].any() and len(defined):
            low, high = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            out[column] = mean[column], low, high
    return out
