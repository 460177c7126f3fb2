"""Structured values of JSON and Parquet as the flat texts of a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

# A list of pictures is a list of objects in many exports: what names the address in them.
_ADDRESS = ("url", "src", "link", "href", "image")
_AMOUNT = ("value", "amount", "price")
_CURRENCY = ("currency", "currency_code", "currencyCode")
DEEPEST = 4


def flatten(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str]:
    """Column name to text: lists become lines, inner objects columns of their own with a point in the name.

    `{"price": {"value": 20, "currency": "EUR"}}` becomes `{"price": "20 EUR"}`.
    """
    fields: dict[str, str] = {}
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            money = _money(value)
            if money is not None:
                fields[name] = money
            elif depth < DEEPEST:
                fields.update(flatten(value, f"{name}.", depth + 1))
            else:
                fields[name] = str(dict(value))
        else:
            fields[name] = _text(value)
    return fields


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, (bool, int, float, Decimal)):
        return _number(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return next((str(value[key]) for key in _ADDRESS if value.get(key)), str(dict(value)))
    return (
        "\n".join(text for item in value if (text := _text(item)))
        if isinstance(value, Iterable)
        else str(value)
    )


def _number(value: bool | float | Decimal) -> str:
    """As a person writes it: without an exponent unless it is of astronomical size."""
    if isinstance(value, bool):
        return "true" if value else "false"
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return format(exact, "f") if exact.is_finite() and abs(exact.adjusted()) < 40 else str(value)


def _money(value: Mapping[str, Any]) -> str | None:
    currency = next((value[key] for key in _CURRENCY if isinstance(value.get(key), str)), None)
    amount = next((value[key] for key in _AMOUNT if value.get(key) is not None), None)
    if currency is None or amount is None or isinstance(amount, Mapping):
        return None
    return f"{_text(amount)} {currency}"
