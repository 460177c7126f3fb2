import json
from typing import Any

import numpy as np
import pytest

from backends.faiss.ask import MOST_DEPTH, MOST_TEXT, Ask, check_query, parse_ask
from backends.faiss.columns import MOST_FACET_VALUES, Columns
from backends.faiss.errors import BadRequest
from search import filters
from visionseek.errors import InputError

VALUES: dict[str, list[Any]] = {
    "category": ["ring", "ring", "necklace", None],
    "price": [10, 20.5, None, 30],
    "in_stock": [True, False, True, None],
    "karat": [None, None, None, None],
}
COLUMNS = Columns(VALUES, 4)


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"category": "ring"}, [0, 1]),
        ({"category": ["ring", "necklace"]}, [0, 1, 2]),
        ({"category": "RING"}, []),
        ({"category": "tiara"}, []),
        ({"category": []}, []),
        ({"price": 10}, [0]),
        ({"price": [10, 30, 99]}, [0, 3]),
        ({"price": {"min": 10, "max": 20.5}}, [0, 1]),
        ({"price": {"gte": 10, "lte": 20.5}}, [0, 1]),
        ({"price": {"gt": 10, "lt": 30}}, [1]),
        ({"price": {"min": 11}}, [1, 3]),
        ({"price": {"min": 30, "max": 10}}, []),
        ({"in_stock": True}, [0, 2]),
        ({"in_stock": [True, False]}, [0, 1, 2]),
        ({"category": "ring", "in_stock": True, "price": {"max": 15}}, [0]),
        ({"karat": 18}, []),
        ({"karat": {"min": 14}}, []),
    ],
)
def test_rows_pass_when_they_pass_every_condition(wanted: dict[str, Any], rows: list[int]) -> None:
    assert np.flatnonzero(COLUMNS.passing(wanted)).tolist() == rows


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"colour": "red"}, "unknown field `colour`; this shard knows category, in_stock, karat, price"),
        ({"category": 3}, "takes a word"),
        ({"category": None}, "takes a word"),
        ({"category": {"min": 1}}, "takes a word"),
        ({"category": ["ring", 3]}, "takes a word"),
        ({"price": "cheap"}, "takes a number"),
        ({"price": True}, "takes a number"),
        ({"price": None}, "takes a number"),
        ({"price": {}}, "bounds of `price` are min"),
        ({"price": {"least": 1}}, "not least"),
        ({"price": {"min": "1"}}, "must be a number"),
        ({"price": {"min": float("nan")}}, "must be a number"),
        ({"price": 10**400}, "takes a number"),
        ({"price": {"max": 10**400}}, "must be a number"),
        ({"in_stock": 1}, "true or false"),
        ({"in_stock": "yes"}, "true or false"),
    ],
)
def test_a_condition_that_a_column_does_not_take_is_refused(wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        COLUMNS.passing(wanted)


def test_facets_count_the_passing_rows_by_value() -> None:
    everything = np.ones(4, np.bool_)
    assert COLUMNS.facets(["category", "price", "in_stock", "karat"], everything) == {
        "category": {"ring": 2, "necklace": 1},
        "price": {"count": 3, "min": 10.0, "max": 30.0},
        "in_stock": {"true": 2, "false": 1},
        "karat": {},
    }
    assert COLUMNS.facets(["price"], np.zeros(4, np.bool_)) == {"price": {"count": 0}}
    with pytest.raises(BadRequest, match="unknown field"):
        COLUMNS.facets(["colour"], everything)


def test_a_facet_over_too_many_values_is_refused() -> None:
    rows = MOST_FACET_VALUES + 1
    columns = Columns({"product_id": [f"P{row}" for row in range(rows)]}, rows)
    assert columns.passing({"product_id": "P7"}).sum() == 1
    with pytest.raises(BadRequest, match="at most"):
        columns.facets(["product_id"], np.ones(rows, np.bool_))


@pytest.mark.parametrize(
    ("values", "message"), [(["a", 1], "mixes int, str"), (["a"], "has 1 rows"), ([True, 2], "mixes")]
)
def test_a_column_that_is_no_column_is_refused_by_name(values: list[Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"`odd`.*{message}"):
        Columns({"odd": values}, 2)


def nested(depth: int) -> str:
    return '{"metal":' * depth + "1" + "}" * depth


def test_the_bounds_of_a_filter_are_those_that_callers_are_told() -> None:
    assert (MOST_DEPTH, MOST_TEXT) == (filters.MOST_DEPTH, filters.MOST_CHARACTERS)
    assert parse_ask({"filter": nested(MOST_DEPTH)}).filter
    assert filters.filter_text(json.loads(nested(MOST_DEPTH)))
    with pytest.raises(InputError, match="more than 8 levels"):
        filters.filter_text(json.loads(nested(MOST_DEPTH + 1)))


def test_a_message_is_short_and_text_whatever_came_in() -> None:
    for field in ("\ud800", "x" * 60_000, "\0"):
        with pytest.raises(BadRequest) as caught:
            COLUMNS.passing({field: 1})
        assert len(str(caught.value).encode()) < 1_000
        assert "\0" not in str(caught.value)
        assert "category" in str(caught.value)


def test_parameters_become_an_ask() -> None:
    assert parse_ask({}) == Ask()
    ask = parse_ask({"k": 3, "filter": '{"b": 1, "a": 2}', "facets": '["x", "y", "x"]'})
    assert ask == Ask(3, {"a": 2, "b": 1}, ("x", "y"))
    assert ask.filter_key == parse_ask({"filter": '{"a": 2, "b": 1}'}).filter_key


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k": 0}, "k must be"),
        ({"k": 10_001}, "k must be"),
        ({"k": 1.5}, "k must be"),
        ({"k": True}, "k must be"),
        ({"filter": "[]"}, "JSON object"),
        ({"filter": 3}, "JSON text"),
        ({"filter": "[" * 60_000}, "not JSON"),
        ({"filter": json.dumps({"a": "x" * 70_000})}, "at most"),
        ({"filter": nested(MOST_DEPTH + 1)}, "more than 8 levels"),
        ({"filter": nested(900)}, "more than 8 levels"),
        ({"facets": "[" * 900 + "]" * 900}, "more than 8 levels"),
        ({"facets": "{}"}, "list of field names"),
        ({"facets": "[1]"}, "list of field names"),
        ({"facet": "[]"}, "unknown parameter facet; known: k, filter, facets"),
    ],
)
def test_a_wrong_parameter_is_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        parse_ask(parameters)


def test_a_query_must_be_finite_and_of_the_shard_s_dimension() -> None:
    good = np.ones((2, 4), np.float32)
    assert check_query(good, 4) is not None
    bad = good.copy()
    bad[1] = 0
    for query, message in ((bad, "zeros"), (good[:, :3], "dimension|shape"), (good[0], "shape")):
        with pytest.raises(BadRequest, match=message):
            check_query(query, 4)
    bad[1, 2] = np.inf
    with pytest.raises(BadRequest, match="infinity"):
        check_query(bad, 4)
