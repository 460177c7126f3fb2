"""Two runs, query by query."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.evaluate.comparison import compare, permutation_p
from training.evaluate.encoder import Encoder
from training.evaluate.jewelbench import jewelbench
from training.evaluate.results_file import QueryResult, ResultsFile, read_results, write_results
from training.evaluate.run import evaluate_encoder
from visionseek.errors import ArtifactError, InputError, VisionSeekError


def results(values: dict[str, list[float]], *, gallery: str = "g", suite: str = "jewelbench") -> ResultsFile:
    return ResultsFile(
        format="visionseek-eval-1",
        suite=suite,
        encoder="e",
        gallery_sha256=gallery,
        gallery=3,
        metrics={},
        results=[
            QueryResult(
                id=f"{label}/{n}", slice=label, group=f"f{n // 2}", rank=1, top=[], values={"recall@1": v}
            )
            for label, column in values.items()
            for n, v in enumerate(column)
        ],
    )


def test_a_difference_that_is_there_is_significant_and_chance_is_not() -> None:
    rng = np.random.default_rng(0)
    base = (rng.random(200) < 0.5).astype(float)
    better = np.where(rng.random(200) < 0.3, 1.0, base)
    shuffled = np.where(rng.random(200) < 0.5, base, (rng.random(200) < 0.5).astype(float))
    found = compare(
        results({"studio": base.tolist(), "text": base.tolist()}),
        results({"studio": better.tolist(), "text": shuffled.tolist()}),
    )
    studio, text = found
    assert studio.significant
    assert studio.p < 0.001
    assert studio.low > 0
    assert studio.second - studio.first == pytest.approx(better.mean() - base.mean())
    assert not text.significant
    assert text.low < 0 < text.high


def test_p_of_no_difference_is_uniform_enough() -> None:
    rng = np.random.default_rng(3)
    small = 0
    for seed in range(200):
        change = rng.integers(-1, 2, 60).astype(float)
        small += permutation_p(change, [str(n) for n in range(60)], seed=seed, flips=400) <= 0.05
    assert small <= 22, "5 % of 200, four standard errors above"


def test_p_is_exact_for_a_handful_of_families() -> None:
    # Four families that all change by +1: of 16 equally likely sign patterns 2 reach a sum of 4.
    p = permutation_p(np.ones(8), ["a", "a", "b", "b", "c", "c", "d", "d"])
    assert p == pytest.approx(2 / 16, abs=0.015)
    assert permutation_p(np.zeros(5), list("abcde")) == 1.0


def test_runs_that_cannot_be_compared_are_refused() -> None:
    one = results({"studio": [1.0, 0.0]})
    with pytest.raises(InputError, match="`jewelbench` and of `feed`"):
        compare(one, results({"studio": [1.0, 0.0]}, suite="feed"))
    with pytest.raises(InputError, match="galleries differ"):
        compare(one, results({"studio": [1.0, 0.0]}, gallery="h"))
    with pytest.raises(InputError, match="no query"):
        compare(one, results({"text": [1.0]}))


def test_a_run_is_written_and_read_back_whole(
    shop: Path, toy: Callable[..., Encoder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = jewelbench(shop, products=6)
    fine, coarse = evaluate_encoder(suite, toy()), evaluate_encoder(suite, toy(cells=1, reads_text=False))
    write_results(tmp_path / "fine.json", fine)
    write_results(tmp_path / "coarse.json", coarse)
    one, other = read_results(tmp_path / "fine.json"), read_results(tmp_path / "coarse.json")
    assert [result.rank for result in one.results] == [answer.rank for answer in fine.answers]
    assert one.metrics == fine.metrics
    found = compare(one, other)
    assert {difference.slice for difference in found} == set(coarse.metrics), "what both could answer"
    for difference in found:
        assert difference.first == pytest.approx(
            fine.metrics[difference.slice][difference.metric][0], abs=1e-3
        )
        assert difference.low <= difference.second - difference.first <= difference.high

    def refuse(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.evaluate.results_file.write_atomically", refuse)
    with pytest.raises(VisionSeekError, match="No space left"):
        write_results(tmp_path / "full.json", fine)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "visionseek-eval-1"}', "null"])
def test_what_are_no_results_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match=r"r\.json"):
        read_results(path)
    with pytest.raises(ArtifactError, match="no results here"):
        read_results(tmp_path / "missing.json")
