"""The filterable columns of a shard: which rows pass a filter, and how many of each value there are.

A filter is a JSON object; a row passes when it passes for every field:

    {"category": "ring", "metal": ["yellow gold", "rose gold"],
     "price": {"min": 100, "max": 900}, "in_stock": true}

A column's values decide what it takes. Words: one word or a list of them. Numbers: one, a list, or bounds
(`min` and `max`, equally `gte` and `lte`, include the bound; `gt` and `lt` do not). Yes or no: true or false.
A row whose value is unknown (null) passes no condition on that field.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from backends.faiss.errors import BadRequest

Mask = NDArray[np.bool_]

MOST_FACET_VALUES = 1_000
_BOUNDS: dict[str, Callable[[Any, float], Any]] = {
    "min": operator.ge,
    "gte": operator.ge,
    "gt": operator.gt,
    "max": operator.le,
    "lte": operator.le,
    "lt": operator.lt,
}


class Column(Protocol):
    """One field of every row."""

    def passing(self, field: str, condition: Any) -> Mask:
        """Bool [n]: rows that pass; raises BadRequest for a condition that this column does not take."""

    def facet(self, field: str, mask: Mask) -> dict[str, Any]:
        """What the rows of `mask` hold, unknown values left out; raises BadRequest."""


class Words:
    """Text values, kept as codes; -1 is unknown."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self._words = sorted({value for value in values if value is not None})
        self._code_of = {word: code for code, word in enumerate(self._words)}
        codes = (-1 if value is None else self._code_of[value] for value in values)
        self._codes = np.fromiter(codes, np.int32, len(values))

    def passing(self, field: str, condition: Any) -> Mask:
        """Takes a word or a list of words; a word that no row holds passes nothing."""
        wanted = condition if isinstance(condition, list) else [condition]
        if not all(isinstance(word, str) for word in wanted):
            raise BadRequest(f"filter field `{field}` takes a word or a list of words, not {condition!r}")
        codes = [self._code_of[word] for word in wanted if word in self._code_of]
        mask: Mask = np.isin(self._codes, np.array(codes, np.int32))
        return mask

    def facet(self, field: str, mask: Mask) -> dict[str, Any]:
        """Count by word, most first."""
        if len(self._words) > MOST_FACET_VALUES:
            most = f"a facet counts at most {MOST_FACET_VALUES}"
            raise BadRequest(f"`{field}` has {len(self._words)} different values; {most}")
        codes = self._codes[mask]
        counts = np.bincount(codes[codes >= 0], minlength=len(self._words))
        order = np.argsort(-counts, kind="stable")
        return {self._words[code]: int(counts[code]) for code in order if counts[code]}


class Numbers:
    """Numbers, kept as float64; NaN is unknown."""

    def __init__(self, values: Sequence[float | None]) -> None:
        numbers = (math.nan if value is None else float(value) for value in values)
        self._values = np.fromiter(numbers, np.float64, len(values))

    def passing(self, field: str, condition: Any) -> Mask:
        """Takes a number, a list of numbers, or bounds."""
        if isinstance(condition, Mapping):
            return self._within(field, condition)
        wanted = condition if isinstance(condition, list) else [condition]
        if not all(_is_number(value) for value in wanted):
            raise BadRequest(
                f"filter field `{field}` takes a number, a list, or bounds such as"
                f' {{"min": 1, "max": 9}}, not {condition!r}'
            )
        mask: Mask = np.isin(self._values, np.array(wanted, np.float64))
        return mask

    def facet(self, field: str, mask: Mask) -> dict[str, Any]:
        """`count`, and `min` and `max` where there are any."""
        del field
        values = self._values[mask]
        values = values[~np.isnan(values)]
        if not len(values):
            return {"count": 0}
        return {"count": len(values), "min": float(values.min()), "max": float(values.max())}

    def _within(self, field: str, bounds: Mapping[str, Any]) -> Mask:
        if not bounds or not set(bounds) <= set(_BOUNDS):
            raise BadRequest(
                f"bounds of `{field}` are {', '.join(_BOUNDS)}, not {', '.join(bounds) or 'none'}"
            )
        mask = ~np.isnan(self._values)
        for name, bound in bounds.items():
            if not _is_number(bound):
                raise BadRequest(f"bound `{name}` of `{field}` must be a number, not {bound!r}")
            mask &= _BOUNDS[name](self._values, float(bound))
        return mask


class Flags:
    """Yes or no, kept as int8; -1 is unknown."""

    def __init__(self, values: Sequence[bool | None]) -> None:
        self._values = np.fromiter((-1 if v is None else int(v) for v in values), np.int8, len(values))

    def passing(self, field: str, condition: Any) -> Mask:
        """Takes true, false or a list of them."""
        wanted = condition if isinstance(condition, list) else [condition]
        if not all(isinstance(value, bool) for value in wanted):
            raise BadRequest(f"filter field `{field}` takes true or false, not {condition!r}")
        mask: Mask = np.isin(self._values, np.array([int(value) for value in wanted], np.int8))
        return mask

    def facet(self, field: str, mask: Mask) -> dict[str, Any]:
        """Count of true and of false."""
        del field
        values = self._values[mask]
        return {"true": int((values == 1).sum()), "false": int((values == 0).sum())}


class Unknown:
    """A field that no row has a value for: any condition passes nothing."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def passing(self, field: str, condition: Any) -> Mask:
        """No row."""
        del field, condition
        return np.zeros(self._rows, np.bool_)

    def facet(self, field: str, mask: Mask) -> dict[str, Any]:
        """Nothing."""
        del field, mask
        return {}


class Columns:
    """All columns of a shard.

    Args:
        values: field to its value by row, as `columns.json` holds them; null is unknown.
        rows: how many rows every column must have.

    Raises:
        ValueError: a column of another length or of mixed kinds; the message names it.
    """

    def __init__(self, values: Mapping[str, Sequence[Any]], rows: int) -> None:
        self._rows = rows
        self._columns = {field: _column(field, column, rows) for field, column in values.items()}

    def passing(self, wanted: Mapping[str, Any]) -> Mask:
        """Bool [n]: rows that pass every condition of `wanted`.

        Raises:
            BadRequest: an unknown field, or a condition that its column does not take.
        """
        mask = np.ones(self._rows, np.bool_)
        for field, condition in wanted.items():
            mask &= self._column(field).passing(field, condition)
        return mask

    def facets(self, fields: Sequence[str], mask: Mask) -> dict[str, dict[str, Any]]:
        """What the rows of `mask` hold, by field.

        Raises:
            BadRequest: an unknown field, or one with too many different values.
        """
        return {field: self._column(field).facet(field, mask) for field in fields}

    def _column(self, field: str) -> Column:
        if field not in self._columns:
            raise BadRequest(f"unknown field `{field}`; this shard knows {', '.join(sorted(self._columns))}")
        return self._columns[field]


def _column(field: str, values: Sequence[Any], rows: int) -> Column:
    if len(values) != rows:
        raise ValueError(f"column `{field}` has {len(values)} rows, the shard {rows}")
    known = [value for value in values if value is not None]
    if not known:
        return Unknown(rows)
    if all(isinstance(value, bool) for value in known):
        return Flags(values)
    if all(_is_number(value) for value in known):
        return Numbers(values)
    if all(isinstance(value, str) for value in known):
        return Words(values)
    raise ValueError(f"column `{field}` mixes {', '.join(sorted({type(value).__name__ for value in known}))}")


def _is_number(value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond float64
        return False
