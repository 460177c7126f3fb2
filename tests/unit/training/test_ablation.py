import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from training.tune.ablation_commands import ablate
from training.tune.recipe import TuneRecipe
from training.tune.variants import VARIANTS
from visionseek.errors import InputError


def test_every_row_is_a_recipe_of_its_own() -> None:
    base = TuneRecipe(mine_every=100)
    recipes = [variant.recipe(base) for variant in VARIANTS if variant.changes is not None]
    assert len(VARIANTS) >= 8
    assert len(set(recipes)) == len(recipes)
    assert len({variant.slug for variant in VARIANTS}) == len(VARIANTS)


def test_a_table_is_written_row_by_row_and_goes_on(
    checkpoint: Path, make_feed: Callable[..., Path], tmp_path: Path
) -> None:
    feed = make_feed(tmp_path, views=("studio", "hand", "studio"))
    arguments = [
        *("--feed", str(feed), "--checkpoint", str(checkpoint), "--out", str(tmp_path / "out")),
        *("--shots", "1", "--rank", "2", "--products-each", "4", "--budget-steps", "2", "--json"),
        *("--row", "no tuning", "--row", "contrast only"),
    ]
    first = CliRunner().invoke(ablate, arguments, catch_exceptions=False)
    rows = json.loads(first.stdout.splitlines()[-1])["rows"]
    assert [row["variant"] for row in rows] == ["no tuning", "contrast only"]
    assert set(rows[0]["figures"]) == {"screenshot", "whole screenshot", "studio", "worn"}
    table = (tmp_path / "out" / "ablation.md").read_text()
    assert table.count("\n") == 4
    log = tmp_path / "out" / "contrast-only" / "log.jsonl"
    before = log.stat().st_mtime_ns
    again = CliRunner().invoke(ablate, [*arguments, "--row", "without worn pictures"], catch_exceptions=False)
    assert log.stat().st_mtime_ns == before
    assert [row["variant"] for row in json.loads(again.stdout.splitlines()[-1])["rows"]][2:] == [
        "without worn pictures"
    ]
    with pytest.raises(InputError, match="no row 'x'"):
        raise CliRunner().invoke(ablate, [*arguments, "--row", "x"]).exception or AssertionError
