from pathlib import Path

import httpx
import pytest

from training.evaluate import smoke
from training.evaluate.smoke import WIDTH_SHARE, make_cases, run_smoke
from visionseek.errors import Unavailable

FEED = Path(__file__).parents[3] / "catalog" / "sample" / "feed.csv"


def test_cases_are_seeded_and_show_the_product_at_the_promised_width() -> None:
    cases = make_cases(FEED, cases=4, seed=7)
    assert [case.jpeg for case in cases] == [case.jpeg for case in make_cases(FEED, cases=4, seed=7)]
    assert make_cases(FEED, cases=1, seed=8)[0].jpeg != cases[0].jpeg
    for case in cases:
        assert WIDTH_SHARE[0] <= case.region[2] - case.region[0] <= WIDTH_SHARE[1]
        assert case.jpeg[:2] == b"\xff\xd8"


def test_recall_counts_what_the_api_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = make_cases(FEED, cases=3, seed=0)
    answers = iter([[cases[0].product], ["x"], ["x", cases[1].product], ["x"], ["x"], [cases[2].product]])
    monkeypatch.setattr(smoke, "_search", lambda *_args, **_kwargs: next(answers))
    result = run_smoke(cases, "http://127.0.0.1:1")
    assert result["with_region"]["first"] == 1
    assert result["with_region"]["recall@10"][0] == pytest.approx(0.6667, abs=1e-3)
    assert result["without_region"]["first"] == 1
    assert [miss["rank"] for miss in result["misses"]] == [2, None]


def test_an_api_that_is_not_there_is_named() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        run_smoke(make_cases(FEED, cases=1), "http://127.0.0.1:9")


def test_an_error_of_the_api_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_kwargs: object) -> httpx.Response:
        return httpx.Response(503, text="no generation", request=httpx.Request("POST", "http://x"))

    monkeypatch.setattr(httpx.Client, "post", refuse)
    with pytest.raises(Unavailable, match="503: no generation"):
        run_smoke(make_cases(FEED, cases=1), "http://127.0.0.1:9")
