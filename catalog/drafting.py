"""A row of a feed to a draft of a product, with remarks; or to a reject with its reason."""

from __future__ import annotations

import re
from decimal import Decimal

from catalog.drafts import Draft, Finding, Row, encode_attributes, new
from catalog.mapping import ColumnMapping
from catalog.meaning import meaning_of
from catalog.normalise.prices import known_currency, parse_price
from catalog.normalise.text import storable
from catalog.sheet import LONGEST_TEXT, LONGEST_TITLE, Plan, Sheet

LONGEST_ID = 255
MOST_LINKS = 50

_IN_STOCK = frozenset(
    (
        *(
            "in stock",
            "instock",
            "in_stock",
            "available",
            "active",
            "true",
            "yes",
            "y",
            "ja",
            "oui",
            "si",
            "sí",
        ),
        *("preorder", "pre-order", "backorder"),
    )
)
_SOLD_OUT = frozenset(
    (
        *("out of stock", "out_of_stock", "outofstock", "sold out", "soldout", "unavailable", "discontinued"),
        *("false", "no", "n", "nein", "non"),
    )
)
# A list of links is parted by | ; line ends, and by commas that are not part of an address.
_LINK_BREAK = re.compile(
    r"\s*[\n|;]\s*|,\s+|,(?=https?://|s3://|file://)|(?<=\.jpg),|(?<=\.jpeg),|(?<=\.png),|(?<=\.webp),",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"\b(?:collection|assorted|\d+ (?:designs|styles|pcs|pieces)|(?:set|lot) of \d+)\b", re.IGNORECASE
)
_GROUP_WORDS = frozenset({"collection", "assorted", "designs", "styles", "pcs", "pieces", "set", "lot"})


class Drafter:
    """Makes drafts of the rows of one feed by its column mapping."""

    def __init__(self, mapping: ColumnMapping) -> None:
        """Follow `mapping`; columns that it does not use become attributes."""
        self.mapping = mapping
        self._plan = Plan.of(mapping)

    def draft(self, row: Row) -> tuple[Draft | None, list[Finding]]:
        """The draft and remarks about it, or None and the findings that reject the row."""
        sheet = Sheet(row, self._plan)
        if not 0 < len(sheet.id) <= LONGEST_ID:
            return None, [_unnamed(sheet)]
        values = sheet.values
        links = _links(sheet) if self._plan.images else ()
        sheet.keep_the_rest()
        title, description = values.get("title", ""), _description(sheet)
        category, traits, karat = meaning_of(sheet, title, description)
        if not sheet.ascii:
            _unreadable(sheet, title, description)
        price, currency = _price(sheet)
        made = (
            sheet.id,
            _title(sheet, title, category),
            category,
            price,
            currency,
            *traits[:4],  # metal, stone, shape, setting
            karat,
            description,
            _url(sheet),
            _in_stock(sheet),
            encode_attributes(sheet.attributes),
            links,
        )
        return new(Draft, made), sheet.findings


def _unnamed(sheet: Sheet) -> Finding:
    if sheet.id:
        reason = f"the id is longer than {LONGEST_ID} characters"
        return Finding(sheet.line, None, "rejected", "id", reason, sheet.id[:80])
    shown = sheet.value("title") or next((v for v in sheet.fields.values() if v), "")
    reason = "no id: without one the product cannot be named, updated or deleted"
    return Finding(sheet.line, None, "rejected", "id", reason, shown[:200] or None)


def _unreadable(sheet: Sheet, title: str, description: str) -> None:
    for field, text in (("title", title), ("description", description)):
        if "\ufffd" in text:
            sheet.remark(field, "letters that are not of the feed's encoding: say it with --encoding", text)


def _title(sheet: Sheet, title: str, category: str | None) -> str:
    if not title:
        sheet.remark("title", f'no title: shown as "{Draft(sheet.id, "", category).shown_title()}"')
    elif len(title) > LONGEST_TITLE:
        sheet.remark("title", f"cut at {LONGEST_TITLE} characters")
        title = title[:LONGEST_TITLE]
    elif not _GROUP_WORDS.isdisjoint(title.lower().split()) and _GROUP.search(title):
        sheet.remark(
            "title", "speaks of several pieces: a group picture is found less well than one of a piece", title
        )
    return title


def _description(sheet: Sheet) -> str:
    text = sheet.description()
    if len(text) > LONGEST_TEXT:
        sheet.remark("description", f"cut at {LONGEST_TEXT} characters")
    return text[:LONGEST_TEXT]


def _price(sheet: Sheet) -> tuple[Decimal | None, str | None]:
    text, named = sheet.values.get("price", ""), sheet.values.get("currency", "")
    currency = known_currency(named) if named else None
    if named and currency is None:
        sheet.remark("currency", "not a currency that is known", named)
        sheet.attributes["currency"] = named
    price = parse_price(text, currency)
    if not text:
        sheet.remark("price", "no price")
    elif price.remark:
        sheet.remark("price", price.remark, text)
        if price.amount is None:
            sheet.attributes["price"] = text
    return price.amount, price.currency


def _links(sheet: Sheet) -> tuple[str, ...]:
    links: list[str] = []
    for column in sheet.plan.images:
        text = sheet.fields.get(column, "")
        if text:
            links += [link for part in _LINK_BREAK.split(text) if (link := storable(part).strip())]
    links = list(dict.fromkeys(links))
    if not links:
        sheet.remark("images", "no picture: listed, but not to be found by a picture")
    if len(links) > MOST_LINKS:
        sheet.remark("images", f"{len(links)} pictures, the first {MOST_LINKS} are taken")
    return tuple(links[:MOST_LINKS])


def _url(sheet: Sheet) -> str | None:
    url = sheet.values.get("url")
    if not url or url.startswith(("https://", "http://")) or url.lower().startswith(("https://", "http://")):
        return url or None
    sheet.remark("url", "not an http(s) address: left out of the product's link", url)
    sheet.attributes["url"] = url
    return None


def _in_stock(sheet: Sheet) -> bool | None:
    text = sheet.values.get("in_stock", "").casefold()
    if not text:
        return None
    if text in _IN_STOCK:
        return True
    if text in _SOLD_OUT:
        return False
    try:
        return float(text) > 0
    except ValueError:
        sheet.remark("in_stock", "says neither in stock nor sold out: taken as in stock", text)
        return None
