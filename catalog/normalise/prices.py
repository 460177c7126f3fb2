"""Prices as feeds write them: `₹1,200`, `1.234,50 €`, `USD 20`, `Rs. 1,20,000/-`, `1'299.00 CHF`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from catalog.drafts import new

_TABLE = tomllib.loads(Path(__file__).with_name("currencies.toml").read_text("utf-8"))
CODES = frozenset(_TABLE["codes"])
SIGNS: dict[str, str | None] = {**dict.fromkeys(_TABLE["shared"]["signs"]), **_TABLE["signs"]}
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
MOST_DIGITS = 14
CENT = Decimal("0.01")

_NUMBER = re.compile(r"\d(?:[\d.,' ]*\d)?")
_PLAIN = re.compile(r"\d{1,13}(?:\.\d{1,2})?")
_CENTS = re.compile(r"\d{1,3}(?:(?:,\d{3}){1,3}|\d{0,10})\.\d\d")
_TRAILER = re.compile(r"\s*/?\s*-+$|,-+|\.-+$")
_NEGATIVE = re.compile(r"-\s*[^\d\s]*\s*\d|\([^\d)]*\d")
_ASK = re.compile(r"request|call|contact|ask|poa|anfrage|demande|consultar|richiesta|tba|tbd", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:-|–|—|\bto\b|\bbis\b|~)\s*", re.IGNORECASE)  # noqa: RUF001 -- dashes that feeds use
_EXTRA = re.compile(
    r"\b(?:from|ab|desde|from:|only|mrp|price|à partir de|inkl|incl|mwst|vat|inc|tax)\b[.:]?", re.IGNORECASE
)


class Price(NamedTuple):
    """A price read from text.

    Attributes:
        amount: never negative, at most four decimals; None where there is no price to read.
        currency: ISO 4217 code, None where the text names none.
        remark: what a person should know about the reading, None where it was plain.
    """

    amount: Decimal | None
    currency: str | None
    remark: str | None = None


def parse_price(text: str, currency: str | None = None) -> Price:
    """Read a price.

    Args:
        text: the feed's field.
        currency: code of a currency column or of the shop; a currency in the text goes before it, except that
            a bare `$` or `¥` takes the given one where that is a dollar, a yen or a yuan.
    """
    if _CENTS.fullmatch(text):
        return new(Price, (Decimal(text.replace(",", "")), currency, None))
    if _PLAIN.fullmatch(text):
        return Price(Decimal(text).quantize(CENT), currency)
    return _parse(text, currency)


@lru_cache(maxsize=5_000)
def _parse(text: str, currency: str | None) -> Price:
    text = _simplify(text)
    low, *rest = [part for part in _RANGE.split(text) if part.strip()] or [""]
    if rest and _NUMBER.search(low) and _NUMBER.search(rest[0]):
        first = parse_price(low, currency)
        named = first.currency or parse_price(rest[-1], currency).currency
        return Price(first.amount, named, "a range of prices; the first is taken")
    return _parse_one(text, currency) if text else Price(None, currency)


def _simplify(text: str) -> str:
    """ASCII digits and marks; words and dashes that say nothing about the price go."""
    text = (
        unicodedata.normalize("NFKC", text)
        .replace("\u066c", ",")
        .replace("\u066b", ".")
        .replace("\u2019", "'")
    )
    text = "".join(str(unicodedata.decimal(c, c)) for c in text)
    return _TRAILER.sub("", _EXTRA.sub(" ", text).strip()).strip()


def _parse_one(text: str, currency: str | None) -> Price:
    numbers = _NUMBER.findall(text)
    problem = None
    if not numbers:
        problem = "price on request" if _ASK.search(text) else "no number in the price"
    elif len(numbers) > 1:
        problem = "several numbers in the price"
    elif _NEGATIVE.search(text):
        problem = "the price is negative"
    if problem:
        return Price(None, currency, problem)
    named, unknown = _currency(_NUMBER.sub(" ", text), currency)
    if unknown:
        return Price(None, named, f"not a price: {unknown!r} beside the number")
    amount, remark = _amount(numbers[0], named)
    return Price(amount, named, remark)


@lru_cache(maxsize=1_000)
def known_currency(text: str) -> str | None:
    """The ISO 4217 code that a currency column names, by code or sign; None where it names none."""
    code, unknown = _currency(text, None)
    return None if unknown else code


def _currency(around: str, given: str | None) -> tuple[str | None, str | None]:
    """The code in what stands around the number, and what was not understood."""
    found: str | None = given
    for part in around.upper().split():
        word = part if part in SIGNS else part.strip("()[]:;")
        if not word:
            continue
        if word in CODES:
            found = word
        elif word in SIGNS:
            shared = word in {"$", "¥", "KR", "KR."}
            fits = given is not None and (
                given.endswith("D") or given in {"MXN", "CLP", "COP", "ARS"} if word == "$"
                else given in {"JPY", "CNY"} if word == "¥" else given in {"SEK", "NOK", "DKK", "ISK"}
            )  # fmt: skip
            if not (shared and (fits or (found is not None and found != given))):
                found = SIGNS[word]
        elif len(word) > 1 and word[:-1] in SIGNS and word[-1] in ".,":
            found = SIGNS[word[:-1]]
        elif word not in {".", ",", "'", "/"}:
            return given, word.lower()
    return found, None


def _amount(number: str, currency: str | None) -> tuple[Decimal | None, str | None]:
    number = number.replace(" ", "").replace("'", "")
    remark = None
    point = max(number.rfind("."), number.rfind(","))
    if point >= 0:
        mark, other = number[point], "," if number[point] == "." else "."
        whole, decimals = number[:point], number[point + 1 :]
        alone = mark not in whole and other not in whole
        if other in whole and mark in whole:
            return None, "points and commas are mixed in the price"
        if mark in whole or (
            alone and len(decimals) == 3 and whole != "0" and currency not in THREE_DECIMALS
        ):
            groups = number.split(mark)
            if any(len(group) not in {2, 3} for group in groups[1:]) or len(groups[-1]) != 3:
                return None, "points and commas do not group the price's digits"
            if mark == ".":
                remark = "the point is read as grouping thousands"
            number = "".join(groups)
        else:
            number = f"{whole.replace(other, '')}.{decimals}"
    if len(number.partition(".")[0].lstrip("0")) > MOST_DIGITS - 1:
        return None, "the price is too large"
    amount = Decimal(number)
    fine = amount.quantize(CENT / 100)
    return (fine if fine == amount and fine != amount.quantize(CENT) else amount.quantize(CENT)), remark
