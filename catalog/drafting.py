"""A row of a feed to a draft of a product, with remarks; or to a reject with its reason."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import NamedTuple

from catalog.drafts import Draft, Finding, Row
from catalog.mapping import ColumnMapping
from catalog.normalise.categories import BROAD, NOT_JEWELRY, category_of_column, category_of_title, decide
from catalog.normalise.prices import known_currency, parse_price
from catalog.normalise.scan import Kind, Mention, scan, scan_cached
from catalog.normalise.text import clean, plain
from catalog.normalise.traits import from_column, from_text, karat_of

LONGEST_ID = 255
LONGEST_TITLE = 1_000
LONGEST_TEXT = 50_000
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
_TRAIT_COLUMNS: tuple[Kind, ...] = ("metal", "stone", "shape", "setting")


class _Sheet:
    """One row on the desk: its values by field, and what there is to say about it."""

    def __init__(self, row: Row, mapping: ColumnMapping) -> None:
        self.line = row.line
        self.fields = row.fields
        self.mapping = mapping
        self.id = ""
        self.findings: list[Finding] = []
        self.attributes: dict[str, str] = {}

    def value(self, field: str) -> str:
        """The first column of the field that is not empty, else the mapping's default, as it was read."""
        for column in self.mapping.columns.get(field, ()):
            text = self.fields.get(column, "")
            if text and not text.isspace():
                return text
        return self.mapping.defaults.get(field, "")

    def remark(self, field: str, reason: str, value: str | None = None) -> None:
        self.findings.append(Finding(self.line, self.id, "remark", field, reason, value))


class _Traits(NamedTuple):
    metal: str | None
    stone: str | None
    shape: str | None
    setting: str | None
    karat: int | None


class Drafter:
    """Makes drafts of the rows of one feed by its column mapping."""

    def __init__(self, mapping: ColumnMapping) -> None:
        """Follow `mapping`; columns that it does not use become attributes."""
        self.mapping = mapping
        self._used = frozenset(column for columns in mapping.columns.values() for column in columns)

    def raw_id(self, row: Row) -> str:
        """The product id as the row has it."""
        return _Sheet(row, self.mapping).value("id")

    def draft(self, row: Row) -> tuple[Draft | None, list[Finding]]:
        """The draft and remarks about it, or None and the findings that reject the row."""
        sheet = _Sheet(row, self.mapping)
        sheet.id = clean(sheet.value("id"))
        if not 0 < len(sheet.id) <= LONGEST_ID:
            return None, [_unnamed(sheet)]
        title, links = clean(sheet.value("title")), _links(sheet)
        if not title and not links:
            reason = "neither a title nor a picture: nothing to show and nothing to search by"
            return None, [Finding(row.line, sheet.id, "rejected", "title", reason)]
        if not links and "images" in self.mapping.columns:
            sheet.remark("images", "no picture: listed, but not to be found by a picture")
        sheet.attributes = {
            column: text
            for column, value in row.fields.items()
            if column not in self._used and value and (text := plain(value)[:LONGEST_TEXT])
        }
        mentions = scan(title) if title else ()
        description = _description(sheet)
        category = _category(sheet, title, mentions, description)
        traits = _traits(sheet, category, title, mentions, description)
        price, currency = _price(sheet)
        draft = Draft(
            id=sheet.id,
            title=_title(sheet, title, category),
            category=category,
            price=price,
            currency=currency,
            metal=traits.metal,
            stone=traits.stone,
            shape=traits.shape,
            setting=traits.setting,
            karat=traits.karat,
            description=description,
            url=_url(sheet),
            in_stock=_in_stock(sheet),
            attributes=json.dumps(sheet.attributes, ensure_ascii=False, sort_keys=True)
            if sheet.attributes
            else "{}",
            links=links,
        )
        return draft, sheet.findings


def _unnamed(sheet: _Sheet) -> Finding:
    if sheet.id:
        return Finding(
            sheet.line,
            None,
            "rejected",
            "id",
            f"the id is longer than {LONGEST_ID} characters",
            sheet.id[:80],
        )
    shown = clean(sheet.value("title")) or next((v for v in sheet.fields.values() if v), "")
    reason = "no id: without one the product cannot be named, updated or deleted"
    return Finding(sheet.line, None, "rejected", "id", reason, shown[:200] or None)


def _title(sheet: _Sheet, title: str, category: str | None) -> str:
    if not title:
        title = (category or "untitled").capitalize()
        sheet.remark("title", f'no title: shown as "{title}"')
    elif len(title) > LONGEST_TITLE:
        sheet.remark("title", f"cut at {LONGEST_TITLE} characters")
        title = title[:LONGEST_TITLE]
    elif _GROUP.search(title):
        sheet.remark(
            "title", "speaks of several pieces: a group picture is found less well than one of a piece", title
        )
    return title


def _description(sheet: _Sheet) -> str:
    text = plain(sheet.value("description"))
    if len(text) > LONGEST_TEXT:
        sheet.remark("description", f"cut at {LONGEST_TEXT} characters")
    return text[:LONGEST_TEXT]


def _category(sheet: _Sheet, title: str, mentions: tuple[Mention, ...], description: str) -> str | None:
    told = [
        text
        for column in sheet.mapping.columns.get("category", ())
        if (text := clean(sheet.fields.get(column, "")))
    ]
    told = told or [text for text in (sheet.mapping.defaults.get("category"),) if text]
    named = next((word for text in told if (word := category_of_column(text))), None)
    titled = category_of_title(title, mentions)
    if titled is None and named in BROAD:  # "Bridal Sets" says too little to stop there
        titled = category_of_title(description, scan(description))
    answer = decide(named, titled)
    if answer.remark:
        sheet.remark("category", answer.remark, title)
    if answer.category is None:
        sheet.remark(
            "category", "neither category nor title name a kind of product", told[0] if told else None
        )
    if told:
        sheet.attributes["category"] = told[0]
    return answer.category


def _traits(
    sheet: _Sheet, category: str | None, title: str, mentions: tuple[Mention, ...], description: str
) -> _Traits:
    material = clean(sheet.value("material"))
    if material:
        sheet.attributes["material"] = material
    told = {kind: _told(sheet, kind) for kind in _TRAIT_COLUMNS}
    if category in NOT_JEWELRY:  # the gold chain of a purse makes no gold purse
        read = from_text((scan_cached(material),), ())
        return _Traits(told["metal"] or read.metal, told["stone"] or read.stone, None, None, None)
    read = from_text((scan_cached(material), mentions, scan(description)), (material, title, description))
    if len(read.stones) > 1:
        sheet.attributes["stones"] = ", ".join(read.stones)
    if len(read.metals) > 1:
        sheet.attributes["metals"] = ", ".join(read.metals)
    karat = sheet.value("karat") or sheet.value("metal")
    karat_told = karat_of(karat if not karat.strip().isdigit() else f"{karat.strip()}K") if karat else None
    return _Traits(
        told["metal"] or read.metal,
        told["stone"] or read.stone,
        told["shape"] or read.shape,
        told["setting"] or read.setting,
        karat_told or read.karat,
    )


def _told(sheet: _Sheet, kind: Kind) -> str | None:
    """The value of the column of that name; one that the taxonomy does not know is kept as an attribute."""
    value = clean(sheet.value(kind))
    if not value:
        return None
    word = from_column(kind, value)
    if word is None:
        sheet.attributes[kind] = value
    return word


def _price(sheet: _Sheet) -> tuple[Decimal | None, str | None]:
    text, named = clean(sheet.value("price")), clean(sheet.value("currency"))
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


def _links(sheet: _Sheet) -> tuple[str, ...]:
    links: list[str] = []
    for column in sheet.mapping.columns.get("images", ()):
        text = sheet.fields.get(column, "")
        if text:
            links += [link for part in _LINK_BREAK.split(text) if (link := part.strip())]
    links = list(dict.fromkeys(links))
    if len(links) > MOST_LINKS:
        sheet.remark("images", f"{len(links)} pictures, the first {MOST_LINKS} are taken")
    return tuple(links[:MOST_LINKS])


def _url(sheet: _Sheet) -> str | None:
    url = clean(sheet.value("url"))
    if not url or url.lower().startswith(("https://", "http://")):
        return url or None
    sheet.remark("url", "not an http(s) address: left out of the product's link", url)
    sheet.attributes["url"] = url
    return None


def _in_stock(sheet: _Sheet) -> bool | None:
    text = clean(sheet.value("in_stock")).casefold()
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
