from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from training.recipes import read_recipe, recipe_option
from visionseek.errors import SettingsError


@click.command()
@recipe_option("tune")
@click.option("--steps", type=click.IntRange(1), default=300)
@click.option("--learning-rate", type=float, default=0.1)
@click.option("--dora", is_flag=True)
@click.option("--feed", "feeds", multiple=True)
def command(**options: Any) -> None:
    click.echo(repr(options))


def run(tmp_path: Path, text: str, *arguments: str) -> Result:
    path = tmp_path / "r.toml"
    path.write_text(text)
    return CliRunner().invoke(command, ["--recipe", str(path), *arguments])


def test_the_command_line_goes_before_the_recipe_and_the_recipe_before_the_default(tmp_path: Path) -> None:
    text = '[tune]\nsteps = 7\nlearning_rate = 1\ndora = true\nfeeds = ["a", "b"]\n[pretrain]\nwhatever = 1\n'
    found = run(tmp_path, text, "--steps", "9")
    assert found.output.strip() == "{'steps': 9, 'learning_rate': 1.0, 'dora': True, 'feeds': ('a', 'b')}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tune]\nstep = 7\n", "did you mean `steps`"),
        ("[tunes]\nsteps = 7\n", "did you mean `tune`"),
        ("[tune]\nsteps = true\n", "whole number"),
        ("[tune]\ndora = 1\n", "true or false"),
        ("[tune]\nlearning_rate = 'fast'\n", "a number"),
        ("[tune]\nfeeds = 'a'\n", "list"),
        ("[tune]\nsteps.more = 1\n", "not a table"),
        ("[pretrain]\nsteps = 7\n", r"no table \[tune\]"),
        ("", r"no table \[tune\]"),
        ("[tune\n", "TOML"),
        ("steps = 3\n", "no table of a recipe"),
    ],
)
def test_what_no_option_knows_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        raise run(tmp_path, text).exception or AssertionError


def test_a_value_out_of_range_is_refused_by_its_option(tmp_path: Path) -> None:
    assert "Invalid value for '--steps'" in run(tmp_path, "[tune]\nsteps = 0\n").output


def test_a_missing_recipe_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="mini"):
        read_recipe(str(tmp_path / "gone.toml"), "tune", ["steps"])
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="TOML"):
        read_recipe(str(tmp_path / "binary.toml"), "tune", ["steps"])
