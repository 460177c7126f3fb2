"""What a caller may ask of a search, the same whether it came in a form, a query string or JSON."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from api.problems import INVALID_INPUT, NOT_BUILT, Problem
from api.region import Box, parse_region
from search.filters import MOST_CHARACTERS, MOST_DEPTH, filter_text
from visionseek.errors import InputError

MAX_K = 100
_LIMITS: dict[str, Any] = {"k": [1, MAX_K], "filter": {"depth": MOST_DEPTH, "characters": MOST_CHARACTERS}}
# Named in the design, so callers may try them: they get told, not ignored.
_LATER = ("text", "image_url", "weights", "facets", "rerank", "explain")


class SearchQuery(BaseModel):
    """One search, but for the picture.

    Attributes:
        k: how many hits.
        region: the box of the picture that shows the piece.
        filter: what products must have, as the shards understand it.
        group: one hit a product; otherwise one a catalog image.
        require_full_coverage: rather an error than an answer that misses a shard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    k: int = Field(12, ge=1, le=MAX_K)
    region: Box | None = None
    filter: dict[str, Any] | None = None
    group: bool = True
    require_full_coverage: bool = False

    @field_validator("k", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("must be a whole number")  # noqa: TRY004 -- pydantic reports ValueError only
        return value

    @field_validator("region", mode="before")
    @classmethod
    def _read_region(cls, value: Any) -> Box | None:
        return parse_region(value)

    @field_validator("filter", mode="before")
    @classmethod
    def _read_filter(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return strict_json(value)
        except ValueError as error:
            raise ValueError(f'must be a JSON object such as {{"metal": "yellow gold"}} ({error})') from None

    @field_validator("filter")
    @classmethod
    def _bound_filter(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        try:
            filter_text(value or {})
        except InputError as error:
            raise ValueError(error.what) from None
        return value


def parse_query(fields: Iterable[tuple[str, Any]]) -> SearchQuery:
    """A query out of (name, value) pairs.

    Raises:
        Problem: an unknown field, one given twice, a value out of its range, or a field not built yet.
    """
    given: dict[str, Any] = {}
    for name, value in fields:
        if name in given:
            raise Problem(INVALID_INPUT, f"field `{name[:64]}` is given twice")
        given[name] = value
    for name in _LATER:
        if given.pop(name, None) not in (None, "", False, "false", "0", [], {}):
            raise Problem(NOT_BUILT, f"`{name}` is not built into this version")
    try:
        return SearchQuery.model_validate(given)
    except ValidationError as error:
        errors = [_explain(one) for one in error.errors()[:8]]
        wrong = {one["field"] for one in errors}
        limit = {name: value for name, value in _LIMITS.items() if name in wrong}
        detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
        raise Problem(INVALID_INPUT, detail, errors=errors, limit=limit) from None


class TooDeep(ValueError):
    """JSON, but nested deeper than can be read."""


def strict_json(text: str | bytes) -> Any:
    """JSON by RFC 8259, with numbers and nesting that everything behind the API can take.

    Raises:
        ValueError: not JSON; NaN, infinity, a number above 1e300.
        TooDeep: nested about a thousand deep.
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not JSON")

    def within_reason(number: str) -> Any:
        if abs(float(number)) > 1e300:
            raise ValueError(f"the number {number[:16]}... is too large")
        return float(number) if any(mark in number for mark in ".eE") else int(number)

    try:
        return json.loads(text, parse_constant=refuse, parse_int=within_reason, parse_float=within_reason)
    except RecursionError:
        raise TooDeep("nested too deeply") from None


def _explain(error: Mapping[str, Any]) -> dict[str, str]:
    field = ".".join(str(part)[:64] for part in error["loc"]) or "query"
    if error["type"] == "extra_forbidden":
        known = list(SearchQuery.model_fields)
        close = difflib.get_close_matches(field, known, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"known: {', '.join(known)}"
        return {"field": field, "message": f"no such field; {hint}"}
    return {"field": field, "message": str(error["msg"]).removeprefix("Value error, ")}
