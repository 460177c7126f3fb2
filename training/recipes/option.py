"""`--recipe FILE`: a command's options from a recipe; what is said on the command line goes before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from training.recipes.reading import read_recipe, recipe_names
from visionseek.errors import SettingsError

_Command = TypeVar("_Command", bound=Callable[..., Any])
# Of one call, not of a recipe.
_NOT_IN_RECIPES = frozenset({"recipe", "as_json", "help"})


def recipe_option(table: str) -> Callable[[_Command], _Command]:
    """Add `--recipe` to a command; its table `table` may set every other option by its name with underscores."""

    def read(context: click.Context, _option: click.Parameter, value: str | None) -> None:
        if value is None:
            return
        options = {
            option.name: option for option in context.command.params if option.name not in _NOT_IN_RECIPES
        }
        keys = read_recipe(value, table, [name for name in options if name])
        for key, given in keys.items():
            _require_type(options[key], key, given, value)
        context.default_map = {**(context.default_map or {}), **keys}

    return click.option(
        "--recipe",
        metavar="FILE",
        callback=read,
        expose_value=False,
        is_eager=True,
        help=f"Options from table [{table}] of a TOML file, or of a recipe by name: {', '.join(recipe_names())}.",
    )


def _require_type(option: click.Parameter, key: str, given: Any, recipe: str) -> None:
    """Refuse what click would quietly turn into something else, such as `true` into 1."""
    kind = option.type
    if isinstance(option, click.Option) and option.is_flag:
        fits, wanted = isinstance(given, bool), "true or false"
    elif option.multiple if isinstance(option, click.Option) else False:
        fits = isinstance(given, list) and all(isinstance(one, str) for one in given)
        wanted = "a list of texts"
    elif isinstance(kind, click.types.IntParamType):
        fits, wanted = isinstance(given, int) and not isinstance(given, bool), "a whole number"
    elif isinstance(kind, click.types.FloatParamType):
        fits, wanted = isinstance(given, int | float) and not isinstance(given, bool), "a number"
    else:
        fits, wanted = isinstance(given, str), "a text"
    if not fits:
        raise SettingsError(f"`{key}` must be {wanted}, not {given!r}", where=recipe)
