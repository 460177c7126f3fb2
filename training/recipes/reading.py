"""Recipe files: a table a command, a key an option; what no option knows is refused."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from visionseek.errors import SettingsError

FOLDER = Path(__file__).parent
TABLES = ("pretrain", "tune")


def recipe_names() -> tuple[str, ...]:
    """Names of the recipes that come with the project."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def read_recipe(recipe: str, table: str, known: Collection[str]) -> dict[str, Any]:
    """Read one table of a recipe.

    Args:
        recipe: a file, or the name of a recipe that comes with the project.
        table: `pretrain` or `tune`.
        known: keys that may be in it.

    Raises:
        SettingsError: no such recipe, not TOML, no such table, or an unknown table or key; the message has the
            nearest name.
    """
    path = _find(recipe)
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"no readable TOML: {error}", where=str(path)) from error
    for name, value in document.items():
        if name not in TABLES or not isinstance(value, dict):
            raise SettingsError(
                f"`{name}` is no table of a recipe", where=str(path), mend=_nearest(name, TABLES)
            )
    if table not in document:
        raise SettingsError(
            f"no table [{table}]", where=str(path), mend=f"it has: {', '.join(document) or 'none'}"
        )
    keys: dict[str, Any] = document[table]
    for key, value in keys.items():
        if key not in known:
            raise SettingsError(
                f"unknown key `{key}` in [{table}]", where=str(path), mend=_nearest(key, known)
            )
        if isinstance(value, dict):
            raise SettingsError(f"`{key}` in [{table}] must be a value, not a table", where=str(path))
    return keys


def _find(recipe: str) -> Path:
    path = Path(recipe)
    shipped = FOLDER / f"{recipe}.toml"
    if path.is_file():
        return path
    if shipped.is_file() and path.name == recipe:
        return shipped
    raise SettingsError(
        "there is no recipe here", where=recipe, mend=f"give a file, or one of: {', '.join(recipe_names())}"
    )


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"did you mean `{close[0]}`?" if close else f"known: {', '.join(sorted(known))}"
