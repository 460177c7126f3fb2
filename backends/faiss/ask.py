"""What a request asks for, out of its parameters and its query tensor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.faiss.errors import BadRequest

DEFAULT_K = 10
MOST_K = 10_000
MOST_TEXT = 65_536
# Conditions need two; JSON nested much deeper ends the recursion of whoever reads or writes it.
MOST_DEPTH = 8
_KNOWN = ("k", "filter", "facets")


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.

    Attributes:
        k: how many images, 1 to MOST_K.
        filter: conditions by field; empty for all rows.
        facets: fields to count.
    """

    k: int = DEFAULT_K
    filter: Mapping[str, Any] = field(default_factory=dict)
    facets: tuple[str, ...] = ()

    @property
    def filter_key(self) -> str:
        """Equal filters have equal keys."""
        return json.dumps(self.filter, sort_keys=True)


def read_parameters(text: str) -> dict[str, Any]:
    """Request parameters out of the JSON that Triton hands over; empty text for none.

    Raises:
        BadRequest: not a JSON object.
    """
    try:
        parameters = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request parameters are not JSON: {error}") from error
    if not isinstance(parameters, dict):
        raise BadRequest("the request parameters are no JSON object")
    return parameters


def parse_ask(parameters: Mapping[str, Any]) -> Ask:
    """Read request parameters: `k` a whole number, `filter` and `facets` JSON text.

    Raises:
        BadRequest: one of them is unknown or wrong.
    """
    if unknown := sorted(set(parameters) - set(_KNOWN)):
        raise BadRequest(f"unknown parameter {', '.join(unknown)}; known: {', '.join(_KNOWN)}")
    k = parameters.get("k", DEFAULT_K)
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MOST_K:
        raise BadRequest(f"parameter k must be a whole number from 1 to {MOST_K}, not {k!r}")
    wanted = _json(parameters, "filter", "{}")
    if not isinstance(wanted, dict):
        raise BadRequest(f"parameter filter must be a JSON object, not {type(wanted).__name__}")
    facets = _json(parameters, "facets", "[]")
    if not isinstance(facets, list) or not all(isinstance(name, str) for name in facets):
        raise BadRequest("parameter facets must be a JSON list of field names")
    return Ask(k=k, filter=wanted, facets=tuple(dict.fromkeys(facets)))


def check_query(query: NDArray[Any], dimension: int) -> NDArray[np.float32]:
    """float32 [B, D] as it came, when every row can be searched with.

    Raises:
        BadRequest: another shape, or a row that is not finite or all zero.
    """
    if query.ndim != 2 or query.shape[1] != dimension:
        raise BadRequest(f"query has shape {list(query.shape)}, this shard takes [B, {dimension}]")
    query = np.ascontiguousarray(query, np.float32)
    if not np.isfinite(query).all():
        raise BadRequest("query holds NaN or infinity")
    if not query.any(axis=1).all():
        raise BadRequest("query holds a vector of zeros, which resembles nothing")
    return query


def _json(parameters: Mapping[str, Any], name: str, default: str) -> Any:
    text = parameters.get(name, default)
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise BadRequest(f"parameter {name} must be JSON text of at most {MOST_TEXT} characters")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"parameter {name} is not JSON: {error}") from error
    if _deeper_than(found, MOST_DEPTH):
        raise BadRequest(f"parameter {name} is nested more than {MOST_DEPTH} levels deep")
    return found


def _deeper_than(value: Any, most: int) -> bool:
    """Whether objects and lists stand in more than `most` others; level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(most):
        inner = (one for outer in level for one in (outer.values() if isinstance(outer, dict) else outer))
        level = [one for one in inner if isinstance(one, dict | list)]
    return bool(level)
