"""One batch of requests against a shard: each is answered or refused by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.faiss.ask import Ask, check_query, parse_ask, read_parameters
from backends.faiss.errors import BadRequest
from backends.faiss.shard import Found, Shard


@dataclass(frozen=True, slots=True)
class Answer:
    """Outputs of one request of B queries.

    Attributes:
        scores: float32 [B, k].
        image_ids: int64 [B, k].
        extra: uint8 [B, L], in every row the same JSON: `images` of the shard, how many are `passing` the
            filter, what was `searched` (`index` or `exact`), and `facets`.
    """

    scores: NDArray[np.float32]
    image_ids: NDArray[np.int64]
    extra: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Checked:
    position: int
    query: NDArray[np.float32]
    ask: Ask


def answer(shard: Shard, requests: Sequence[tuple[NDArray[Any], str]]) -> list[Answer | Exception]:
    """Answer requests in their order; equal ones are searched together.

    Args:
        shard: where to search.
        requests: query float32 [B, D] and the request's parameters as JSON text, of each.

    Returns:
        An answer each, `BadRequest` where the request is wrong, or what else went wrong with it alone.
    """
    answers: dict[int, Answer | Exception] = {}
    together: dict[tuple[int, str, tuple[str, ...]], list[_Checked]] = {}
    for position, (query, parameters) in enumerate(requests):
        try:
            ask = parse_ask(read_parameters(parameters))
            checked = _Checked(position, check_query(query, shard.dimension), ask)
            together.setdefault((ask.k, ask.filter_key, ask.facets), []).append(checked)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it is this request's alone
            answers[position] = error
    for group in together.values():
        for checked, found in zip(group, _search_each(shard, group), strict=True):
            answers[checked.position] = found
    return [answers[position] for position in range(len(requests))]


def _search_each(shard: Shard, group: Sequence[_Checked]) -> Sequence[Answer | Exception]:
    try:
        return _search(shard, group)
    except BadRequest as error:  # the filter or the facets, which the group shares
        return [error] * len(group)
    except Exception as error:  # noqa: BLE001 -- such as memory that a large group lacks and one alone has
        if len(group) == 1:
            return [error]
        return [_search_each(shard, [one])[0] for one in group]


def _search(shard: Shard, group: Sequence[_Checked]) -> list[Answer]:
    ask = group[0].ask
    mask = shard.passing(dict(ask.filter), ask.filter_key)
    extra = {"images": shard.images, "passing": shard.images if mask is None else int(mask.sum())}
    facets = shard.columns.facets(ask.facets, np.ones(shard.images, np.bool_) if mask is None else mask)
    found, searched = shard.search(np.concatenate([checked.query for checked in group]), ask.k, mask)
    text = json.dumps(extra | {"searched": searched, "facets": facets}, ensure_ascii=False)
    told = np.frombuffer(text.encode(), np.uint8)
    ends = np.cumsum([len(checked.query) for checked in group])
    return [
        _part(found, told, end - len(checked.query), end) for checked, end in zip(group, ends, strict=True)
    ]


def _part(found: Found, told: NDArray[np.uint8], start: int, end: int) -> Answer:
    return Answer(found.scores[start:end], found.image_ids[start:end], np.tile(told, (end - start, 1)))
