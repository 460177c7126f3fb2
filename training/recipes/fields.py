"""Options made from the fields of a dataclass, so that a recipe is described in one place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])


def recipe_field(default: Any, text: str, *, low: float | None = None, high: float | None = None) -> Any:
    """A field of a recipe.

    Args:
        default: where neither the command line nor a recipe says another value.
        text: what the option's help says.
        low: the least value, for numbers.
        high: the greatest value, for numbers.
    """
    return dataclasses.field(default=default, metadata={"help": text, "low": low, "high": high})


def field_options(recipe: type) -> Callable[[_Command], _Command]:
    """Add an option for every field of the dataclass `recipe`, in its order; each is handed on by its name."""
    types = get_type_hints(recipe)

    def add(command: _Command) -> _Command:
        for field in reversed(dataclasses.fields(recipe)):
            command = _option(field, types[field.name])(command)
        return command

    return add


def _option(field: dataclasses.Field[Any], kind: Any) -> Callable[[_Command], _Command]:
    name = field.name.replace("_", "-")
    known: dict[str, Any] = {
        "default": field.default,
        "help": field.metadata["help"],
        "show_default": kind is not bool,
    }
    low, high = field.metadata["low"], field.metadata["high"]
    if kind is bool:
        return click.option(f"--{name}/--no-{name}", **known)
    if get_origin(kind) is Literal:
        return click.option(f"--{name}", type=click.Choice(get_args(kind)), **known)
    ranges: dict[Any, Any] = {int: click.IntRange, float: click.FloatRange}
    return click.option(f"--{name}", type=ranges[kind](low, high), **known)
