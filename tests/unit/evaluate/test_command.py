"""`visionseek eval` as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from training.evaluate.commands import evaluate
from training.trained_on import write_trained_on
from visionseek.errors import FeedError, InputError, VisionSeekError

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"


@pytest.fixture(autouse=True)
def _state_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIONSEEK_DATA", str(tmp_path / "state"))


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(evaluate, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_figures_results_report_and_comparison(shop: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "hsv.json", tmp_path / "deep" / "report.html"
    options = ("--suite", "jewelbench", "--data", shop, "--products", 8, "--encoder", "hsv")
    result = run(*options, "--out", out, "--report", report, "--json")
    assert result.exit_code == 0
    line = json.loads(result.stdout.splitlines()[-1])
    assert (line["suite"], line["encoder"], line["gallery"]) == ("jewelbench", "hsv", 8)
    for figures in line["metrics"].values():
        for value, low, high in figures.values():
            assert low <= value <= high
    assert set(line["skipped"]) == {"text", "image+text"}
    assert line["trained_apart"] is True
    assert report.read_text().startswith("<!doctype html>")
    compared = run("compare", out, out, "--metric", "recall@1", "--json")
    differences = json.loads(compared.stdout.splitlines()[-1])["differences"]
    assert set(differences) == set(line["metrics"])
    for figures in differences.values():
        assert figures["recall@1"]["difference"] == [0.0, 0.0, 0.0]
        assert (figures["recall@1"]["p"], figures["recall@1"]["significant"]) == (1.0, False)
    with pytest.raises(InputError, match="no figure 'recall@7'"):
        run("compare", out, out, "--metric", "recall@7")


def test_whole_screenshots_are_told_apart_by_template(shop: Path, tmp_path: Path) -> None:
    options = ("--suite", "jewelbench", "--data", shop, "--encoder", "hsv", "--report", tmp_path / "r.html")
    drawn, kept = (json.loads(run(*options, "--json").stdout.splitlines()[-1]) for _ in range(2))
    assert list(drawn["templates"]) == ["screenshot"]
    found = drawn["templates"]["screenshot"]
    assert sum(figures["queries"] for figures in found.values()) == drawn["queries"]["screenshot"]
    mean = sum(figures["queries"] * figures["recall@1"][0] for figures in found.values())
    assert mean / drawn["queries"]["screenshot"] == pytest.approx(
        drawn["metrics"]["screenshot"]["recall@1"][0], abs=1e-3
    )
    assert kept["templates"] == drawn["templates"]  # from the kept screenshots, drawn no more
    assert all(name in (tmp_path / "r.html").read_text() for name in found)


def test_the_same_run_gives_the_same_bytes_but_for_its_seconds(shop: Path, tmp_path: Path) -> None:
    lines = []
    for name in ("a.json", "b.json"):
        run(
            "--suite",
            "jewelbench",
            "--data",
            shop,
            "--products",
            5,
            "--encoder",
            "hsv",
            "--out",
            tmp_path / name,
        )
        lines.append(json.loads((tmp_path / name).read_text()) | {"seconds": 0})
    assert lines[0] == lines[1]


def test_a_checkpoint_that_saw_a_product_of_the_suite_is_refused(shop: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "checkpoint"
    shutil.copytree(ASSETS / "v1_a", folder)
    options = ("--suite", "jewelbench", "--data", shop, "--products", 3, "--encoder", folder)
    write_trained_on(folder, ["p900"])
    line = json.loads(run(*options, "--json").stdout.splitlines()[-1])
    assert line["trained_apart"] is True
    write_trained_on(folder, ["p900", "p002"])
    with pytest.raises(InputError, match="the first is 'p002'"):
        run(*options)
    write_trained_on(folder, ["p900"], ["f0"])
    with pytest.raises(InputError, match="1 families of jewelbench, the first is 'f0'"):
        run(*options)


def test_other_suites_by_their_names(shop: Path) -> None:
    result = run("--suite", "feed", "--feed", shop / "feed.csv", "--encoder", "hsv", "--json")
    assert set(json.loads(result.stdout.splitlines()[-1])["metrics"]) == {"cross-view"}


def test_wrong_options_are_told(tmp_path: Path, shop: Path) -> None:
    with pytest.raises(VisionSeekError, match="there is no kind `nope`"):
        run("--suite", "jewelbench", "--data", shop, "--encoder", "nope:1")
    with pytest.raises(FeedError, match="no feed here"):
        run("--suite", "jewelbench", "--data", tmp_path / "nowhere", "--encoder", "hsv")
    with pytest.raises(FeedError, match="no feed here"):
        run("--suite", "feed", "--feed", tmp_path / "nowhere.csv", "--encoder", "hsv")
    assert run("--suite", "nope").exit_code == 2
    assert run("--suite", "feed", "--products", 1).exit_code == 2
