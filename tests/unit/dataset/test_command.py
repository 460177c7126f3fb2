import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalog.database import Catalog
from training.commands import train
from visionseek.errors import FeedError, InputError, SettingsError

Feed = Callable[..., Path]


def run(*arguments: object) -> str:
    result = CliRunner().invoke(train, ["augment", *map(str, arguments)], catch_exceptions=False)
    if isinstance(result.exception, BaseException) and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.stdout


def test_the_last_line_is_json(make_feed: Feed, tmp_path: Path) -> None:
    out = run("--catalog", make_feed(families=6), "--out", tmp_path / "o", "--seed", 3, "--variants", 1,
              "--width", 200, "--workers", 1, "--json")  # fmt: skip
    told = json.loads(out.splitlines()[-1])
    assert sum(told["products"].values()) == 12
    assert sum(told["samples"].values()) == 12 * (2 * 2 + 1)
    assert told["rejected"] == 0


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        (["--variants", "-1"], SettingsError, "--variants"),
        (["--validation", "0.6", "--test", "0.5"], SettingsError, "nothing to train on"),
        (["--chain", "nope"], SettingsError, "no chain `nope`"),
        (["--template", "nope"], InputError, "nope"),
        (["--size", "5"], SettingsError, "--size"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_made(
    make_feed: Feed, tmp_path: Path, options: list[str], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        run("--catalog", make_feed(families=2), "--out", tmp_path / "o", *options)
    assert not (tmp_path / "o").exists()


def test_a_missing_feed_is_a_feed_error(tmp_path: Path) -> None:
    with pytest.raises(FeedError):
        run("--catalog", tmp_path / "none.csv", "--out", tmp_path / "o")


def test_without_a_feed_the_catalog_database_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no catalog in the data folder"):
        run("--data", tmp_path / "data", "--out", tmp_path / "o")
    (tmp_path / "data").mkdir()
    Catalog.open(f"sqlite:///{tmp_path / 'data' / 'catalog.sqlite3'}").close()
    with pytest.raises(InputError, match="not one product with a picture"):
        run("--data", tmp_path / "data", "--out", tmp_path / "o")
