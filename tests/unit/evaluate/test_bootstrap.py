"""Intervals hold what they promise."""

import numpy as np
import pytest

from training.evaluate.bootstrap import intervals


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    runs, truth = 200, 0.7
    covered = 0
    for run in range(runs):
        values = (rng.random((80, 1)) < truth).astype(float)
        _, low, high = intervals(values, [str(n) for n in range(80)], seed=run, resamples=400)[0]
        covered += low <= truth <= high
    # 95 % is promised; of 200 runs 176 to 199 are within four standard errors of what 80 coins allow.
    assert 176 <= covered <= 199


def test_queries_of_one_family_do_not_count_as_independent() -> None:
    rng = np.random.default_rng(1)
    values = np.repeat((rng.random(30) < 0.5).astype(float), 8)[:, None]
    families = [str(n) for n in np.repeat(np.arange(30), 8)]
    apart = intervals(values, [str(n) for n in range(240)])[0]
    together = intervals(values, families)[0]
    assert together[0] == apart[0]
    assert together[2] - together[1] > 2 * (apart[2] - apart[1])


def test_equal_seeds_give_equal_intervals_and_the_mean_is_exact() -> None:
    values = np.random.default_rng(2).random((50, 3))
    groups = [str(n // 2) for n in range(50)]
    first, second = intervals(values, groups, seed=4), intervals(values, groups, seed=4)
    assert (first == second).all()
    assert first[:, 0] == pytest.approx(values.mean(0))
    assert (first != intervals(values, groups, seed=5)).any()


def test_missing_values_are_left_out_and_a_column_without_any_is_nan() -> None:
    values = np.array([[1.0, np.nan], [np.nan, np.nan], [0.0, np.nan]])
    found = intervals(values, ["a", "b", "c"])
    assert found[0].tolist() == [0.5, 0.0, 1.0]
    assert np.isnan(found[1]).all()


def test_equal_values_have_an_interval_without_width() -> None:
    assert intervals(np.ones((5, 1)), list("abcde"))[0].tolist() == [1.0, 1.0, 1.0]
