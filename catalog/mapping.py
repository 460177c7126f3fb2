"""Which column of a feed is which field: guessed from the columns' names, or told in TOML.

[columns]
id = "Artikelnummer"
title = ["Name", "Bezeichnung"]     # the first that is not empty
images = ["Bild 1", "Bild 2"]       # all of them, in this order
[defaults]
currency = "EUR"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from visionseek.errors import FeedError

# field -> names of columns that hold it, best first
GUESSES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("columns.toml").read_text("utf-8"))
SEVERAL = frozenset({"images"})
_NUMBERED = re.compile(r"^(.*?)_?\d{1,2}$")


@dataclass(frozen=True)
class ColumnMapping:
    """Field to columns, in order; `defaults` fill fields that a row leaves empty."""

    columns: dict[str, tuple[str, ...]]
    defaults: dict[str, str] = field(default_factory=dict)

    def key(self) -> str:
        """Equal text for equal mappings: part of what makes an interrupted import the same import."""
        return repr((sorted(self.columns.items()), sorted(self.defaults.items())))


def column_key(name: str) -> str:
    """A column's name as guesses compare it: lower case, `g:` off, other signs made `_`."""
    name = name.casefold().strip().removeprefix("g:").replace("ä", "ae").replace("ü", "ue").replace("ö", "oe")
    return re.sub(r"[^0-9a-z\u0080-\uffff]+", "_", name).strip("_")


def guess(columns: Iterable[str], defaults: Mapping[str, str] | None = None) -> ColumnMapping:
    """Guess from the columns' names; a column serves one field, in the order that GUESSES names it."""
    keys: dict[str, list[str]] = {}
    for column in columns:
        keys.setdefault(column_key(column), []).append(column)
    taken: set[str] = set()
    chosen: dict[str, tuple[str, ...]] = {}
    for name, aliases in GUESSES.items():
        found: list[str] = []
        for alias in aliases:
            matches = list(keys.get(alias, ()))
            if name in SEVERAL:
                matches += [
                    column
                    for key, named in keys.items()
                    if (numbered := _NUMBERED.match(key)) and numbered.group(1) == alias
                    for column in named
                ]
            found += [column for column in matches if column not in taken and column not in found]
            if found and name not in SEVERAL and name != "category":
                break
        if found:
            chosen[name] = tuple(found if name in SEVERAL or name == "category" else found[:1])
            taken.update(chosen[name])
    return ColumnMapping(chosen, dict(defaults or {}))


def with_currency(mapping: ColumnMapping, currency: str) -> ColumnMapping:
    """The mapping, with a currency for prices that name none."""
    return ColumnMapping(mapping.columns, {"currency": currency, **mapping.defaults})


def read_mapping(path: Path) -> ColumnMapping:
    """Read a TOML mapping.

    Raises:
        FeedError: no such file, not TOML, or an unknown table, field or type; says what is known.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise FeedError("no such mapping file", where=str(path)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise FeedError(f"not a readable TOML file: {error}", where=str(path)) from error
    unknown = sorted(set(tables) - {"columns", "defaults"})
    if unknown:
        raise FeedError(f"unknown table [{unknown[0]}]", where=str(path), mend="known: [columns], [defaults]")
    columns: dict[str, tuple[str, ...]] = {}
    for name, value in _table(tables, "columns", path).items():
        named = [value] if isinstance(value, str) else value
        if name not in GUESSES or not isinstance(named, list) or not all(isinstance(c, str) for c in named):
            raise FeedError(
                f"[columns] {name} = {value!r} maps nothing",
                where=str(path),
                mend=f'write FIELD = "COLUMN" or a list of columns; fields: {", ".join(GUESSES)}',
            )
        columns[name] = tuple(named)
    defaults = _table(tables, "defaults", path)
    bad = [name for name, value in defaults.items() if name not in GUESSES or not isinstance(value, str)]
    if bad:
        raise FeedError(
            f"[defaults] {bad[0]} is no field, or not a text",
            where=str(path),
            mend=f"fields: {', '.join(GUESSES)}",
        )
    return ColumnMapping(columns, {name: str(value) for name, value in defaults.items()})


def check_columns(mapping: ColumnMapping, columns: Iterable[str], where: str) -> None:
    """Refuse a mapping that names columns the feed does not have, or that gives no id.

    Raises:
        FeedError: names the column and those there are.
    """
    there = list(columns)
    for name, wanted in mapping.columns.items():
        for column in wanted:
            if column not in there:
                raise FeedError(
                    f"the mapping reads {name} from column {column!r}, which the feed does not have",
                    where=where,
                    mend=f"columns: {', '.join(there[:40])}",
                )
    if "id" not in mapping.columns:
        raise FeedError(
            "no column of this feed is known to hold the product id",
            where=where,
            mend=f"say which in a mapping file: [columns] id = ...; columns: {', '.join(there[:40])}",
        )


def _table(tables: dict[str, object], name: str, path: Path) -> dict[str, object]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise FeedError(f"{name} is no table", where=str(path), mend=f"write [{name}]")
    return table
