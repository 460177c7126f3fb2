"""Two runs of one suite, query by query: what differs, and whether chance could have done it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.evaluate.bootstrap import intervals
from training.evaluate.results_file import QueryResult, ResultsFile
from visionseek.errors import InputError

FLIPS = 10_000
ALPHA = 0.05
_FLIPS_EACH = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of one slice in both runs.

    Attributes:
        slice: the kind of query.
        metric: the figure.
        first: in the first run.
        second: in the second run.
        low: of the bootstrap interval at 95 % of second - first.
        high: likewise.
        p: of the paired permutation test.
        significant: whether p holds at 5 % after Holm's correction over the slices of this metric.
        queries: that both runs answered.
    """

    slice: str
    metric: str
    first: float
    second: float
    low: float
    high: float
    p: float
    significant: bool
    queries: int


def compare(first: ResultsFile, second: ResultsFile, *, seed: int = 0) -> list[Difference]:
    """Every figure that both runs have, over the queries that both answered.

    Raises:
        InputError: runs of different suites or galleries, or without a common query.
    """
    if first.suite != second.suite:
        raise InputError(f"results of `{first.suite}` and of `{second.suite}` cannot be compared")
    if first.gallery_sha256 != second.gallery_sha256:
        raise InputError(
            f"the galleries differ ({first.gallery} and {second.gallery} items): recall over one says nothing "
            "about the other",
            mend="evaluate both on the same data and with the same --products",
        )
    theirs = {result.id: result for result in second.results}
    pairs = [(mine, theirs[mine.id]) for mine in first.results if mine.id in theirs]
    if not pairs:
        raise InputError("no query was answered in both runs")
    found = []
    for label in dict.fromkeys(mine.slice for mine, _ in pairs):
        found += _slice(label, [pair for pair in pairs if pair[0].slice == label], seed)
    return _corrected(found)


def permutation_p(
    differences: npt.NDArray[np.float64], groups: Sequence[str], *, seed: int = 0, flips: int = FLIPS
) -> float:
    """Two-sided p of a paired permutation test that flips whole groups (Good 2005, chapter 3).

    Were both runs alike, swapping them for any family would change nothing.

    Args:
        differences: [Q], second - first.
        groups: of each query.
        seed: of the flips.
        flips: how many.
    """
    _, of = np.unique(np.asarray(groups), return_inverse=True)
    sums = np.bincount(of, weights=differences)
    sums = sums[sums != 0]
    if not len(sums):
        return 1.0
    observed = abs(float(sums.sum()))
    rng = np.random.default_rng(seed)
    reached = 0
    for start in range(0, flips, _FLIPS_EACH):
        signs = rng.integers(0, 2, size=(min(_FLIPS_EACH, flips - start), len(sums))) * 2 - 1
        # Sums of sixths and tenths differ in their last bits; equal ones must count as reached.
        reached += int((np.abs(signs @ sums) >= observed - 1e-9).sum())
    return (reached + 1) / (flips + 1)


def _slice(label: str, pairs: Sequence[tuple[QueryResult, QueryResult]], seed: int) -> list[Difference]:
    names = [name for name in pairs[0][0].values if any(name in other.values for _, other in pairs)]
    names += [name for mine, _ in pairs for name in mine.values if name not in names]
    found = []
    for name in dict.fromkeys(names):
        both = [(mine, other) for mine, other in pairs if name in mine.values and name in other.values]
        if not both:
            continue
        groups = [mine.group for mine, _ in both]
        values = np.array([(mine.values[name], other.values[name]) for mine, other in both])
        change = values[:, 1] - values[:, 0]
        _, low, high = intervals(change[:, None], groups, seed=seed)[0]
        before, after = values.mean(0)
        found.append(
            Difference(
                slice=label,
                metric=name,
                first=float(before),
                second=float(after),
                low=float(low),
                high=float(high),
                p=permutation_p(change, groups, seed=seed),
                significant=False,
                queries=len(both),
            )
        )
    return found


def _corrected(found: Sequence[Difference]) -> list[Difference]:
    """Mark what holds after Holm's correction (Holm 1979) over the slices of each metric."""
    holds = set()
    for metric in {one.metric for one in found}:
        tests = sorted((one for one in found if one.metric == metric), key=lambda one: one.p)
        for place, one in enumerate(tests):
            if one.p > ALPHA / (len(tests) - place):
                break
            holds.add((one.slice, one.metric))
    return [replace(one, significant=(one.slice, one.metric) in holds) for one in found]
