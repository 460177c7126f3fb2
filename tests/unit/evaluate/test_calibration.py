"""Promises are compared with what came true, on cases that fitted nothing."""

from pathlib import Path

import numpy as np
import pytest

from training.evaluate.calibration import ABSENT, Calibration, calibrate, expected_error, fit, judge, words
from training.evaluate.look import Look
from training.evaluate.suite import Item, Query, Suite


def test_the_sigmoid_that_made_the_outcomes_is_found_again() -> None:
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.2, 1.0, 20_000)
    truth = 1 / (1 + np.exp(-(12 * scores - 8)))
    found = fit(scores, rng.random(20_000) < truth)
    assert found.slope == pytest.approx(12, rel=0.05)
    assert found.shift == pytest.approx(-8, rel=0.05)
    assert found.even == pytest.approx(2 / 3, abs=0.01)


def test_classes_that_part_cleanly_give_a_finite_rising_sigmoid() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    found = fit(scores, scores > 0.5)
    assert np.isfinite(found.slope)
    assert found.slope > 0
    assert 0.3 < found.even < 0.7


def test_equal_scores_give_the_share_of_what_happened() -> None:
    found = fit(np.full(100, 0.5), np.arange(100) < 30)
    assert float(found(np.array([0.5]))[0]) == pytest.approx(31 / 102, abs=0.02)


def test_promises_that_hold_have_no_error_and_bragging_has() -> None:
    rng = np.random.default_rng(1)
    promised = rng.uniform(0, 1, 50_000)
    assert expected_error(promised, rng.random(50_000) < promised) < 0.01
    assert expected_error(np.full(100, 0.9), np.arange(100) < 50) == pytest.approx(0.4)
    assert expected_error(np.array([1.0, 0.0]), np.array([True, False])) == 0.0


def test_bins_of_a_reliability_hold_every_case() -> None:
    rng = np.random.default_rng(2)
    scores = rng.uniform(0, 1, 500)
    happened = rng.random(500) < scores
    result = judge("exact", fit(scores, happened), scores, happened)
    assert sum(cases for _, _, cases in result.bins) == result.cases == 500
    assert 0 < result.brier < 0.25


def test_the_likelier_word_is_said_the_stronger_first() -> None:
    said = words(np.array([0.9, 0.2, 0.1]), np.array([0.9, 0.8, 0.3]))
    assert said.tolist() == ["exact", "similar", "none"]


def world(products: int, noise: float, seed: int = 0) -> tuple[Suite, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    look = Look(Path("never-opened"))
    items = tuple(Item(f"p{n}", f"f{n}", "", (look,)) for n in range(products))
    queries = tuple(Query(f"q{n}", "studio", n, frozenset({n}), look=look) for n in range(products))
    gallery = rng.normal(size=(products, 16))
    asked = gallery + rng.normal(size=gallery.shape) * noise * rng.uniform(0, 2, (products, 1))
    return Suite("x", items, queries), *(
        (m / np.linalg.norm(m, axis=1, keepdims=True)).astype(np.float32) for m in (asked, gallery)
    )


def test_families_that_are_taken_out_are_told_from_those_that_are_there() -> None:
    suite, asked, gallery = world(900, 0.35)
    found = calibrate(suite, asked, gallery, np.arange(900))
    assert isinstance(found, Calibration)
    none = sum(found.confusion["none"].values())
    cases = found.exact.cases
    assert none / cases == pytest.approx(ABSENT, abs=0.08)
    assert 350 < cases < 550  # one half
    assert found.exact.ece < 0.1
    assert found.present.ece < 0.1
    assert found.accuracy > 0.75
    assert found.exact.sigmoid.slope > 0
    assert calibrate(suite, asked, gallery, np.arange(900)) == found


def test_too_few_cases_say_so_in_words() -> None:
    suite, asked, gallery = world(12, 0.3)
    found = calibrate(suite, asked, gallery, np.arange(12))
    assert isinstance(found, str)
    assert "too small" in found
