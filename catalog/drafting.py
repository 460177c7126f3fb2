"""A row of a feed to a draft of a product, with remarks; or to a reject with its reason."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from catalog.drafts import Draft, Finding, Row, encode_attributes
from catalog.mapping import ColumnMapping
from catalog.normalise.categories import BROAD, NOT_JEWELRY, category_of_column, category_of_title, decide
from catalog.normalise.prices import known_currency, parse_price
from catalog.normalise.scan import Kind, essence
from catalog.normalise.text import clean, plain, storable
from catalog.normalise.traits import Traits, from_column, karat_of, traits_of

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
_GROUP_WORDS = frozenset({"collection", "assorted", "designs", "styles", "pcs", "pieces", "set", "lot"})
_TRAIT_COLUMNS: tuple[Kind, ...] = ("metal", "stone", "shape", "setting")


_OTHERWISE = frozenset({"images", "description", "category"})  # lists, HTML, and several that all count
_TOLD = frozenset({*_TRAIT_COLUMNS, "karat"})


class _Plan(NamedTuple):
    """Where the one-line fields stand: in one column, or in the first of several that is not empty."""

    single: tuple[tuple[str, str], ...]
    several: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, mapping: ColumnMapping) -> _Plan:
        columns = {name: named for name, named in mapping.columns.items() if name not in _OTHERWISE and named}
        return cls(
            tuple((name, named[0]) for name, named in columns.items() if len(named) == 1),
            tuple((name, named) for name, named in columns.items() if len(named) > 1),
        )


class _Sheet:
    """One row on the desk: its values by field, and what there is to say about it."""

    def __init__(self, row: Row, mapping: ColumnMapping, plan: _Plan) -> None:
        self.line = row.line
        self.fields = row.fields
        self.mapping = mapping
        self.findings: list[Finding] = []
        self.attributes: dict[str, str] = {}
        get = row.fields.get
        # Most fields have one column: no call a field, this is the busiest line of an import.
        self.values = {field: clean(text) for field, column in plan.single if (text := get(column))}
        for field, columns in plan.several:
            self.values[field] = next((text for name in columns if (text := clean(get(name, "")))), "")
        for field, default in mapping.defaults.items():
            if not self.values.get(field):
                self.values[field] = default
        self.id = self.values.get("id", "")

    def value(self, field: str) -> str:
        """The first column of the field that is not empty, else the mapping's default, cleaned."""
        return self.values.get(field, "")

    def told(self, kind: Kind) -> str | None:
        """The word in the column of that name; one that the taxonomy does not know is kept as an attribute."""
        value = self.value(kind)
        if not value:
            return None
        word = from_column(kind, value)
        if word is None:
            self.attributes[kind] = value
        return word

    def remark(self, field: str, reason: str, value: str | None = None) -> None:
        self.findings.append(Finding(self.line, self.id, "remark", field, reason, value))


class _Text(NamedTuple):
    """A text, and the words in it that can mean something."""

    text: str
    essence: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> _Text:
        return cls(text, essence(text) if text else ())


class Drafter:
    """Makes drafts of the rows of one feed by its column mapping."""

    def __init__(self, mapping: ColumnMapping) -> None:
        """Follow `mapping`; columns that it does not use become attributes."""
        self.mapping = mapping
        self._plan = _Plan.of(mapping)
        self._used = frozenset(column for columns in mapping.columns.values() for column in columns)

    def draft(self, row: Row) -> tuple[Draft | None, list[Finding]]:
        """The draft and remarks about it, or None and the findings that reject the row."""
        sheet = _Sheet(row, self.mapping, self._plan)
        if not 0 < len(sheet.id) <= LONGEST_ID:
            return None, [_unnamed(sheet)]
        title, links = sheet.value("title"), _links(sheet)
        if not links and "images" in self.mapping.columns:
            sheet.remark("images", "no picture: listed, but not to be found by a picture")
        sheet.attributes = {
            clean(column): text
            for column, value in row.fields.items()
            if column not in self._used and value and (text := plain(value)[:LONGEST_TEXT])
        }
        _unpack_attributes(sheet)
        named, description = _Text.of(title), _Text.of(_description(sheet))
        category = _category(sheet, named, description)
        traits = _traits(sheet, category, named, description)
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
            description=description.text,
            url=_url(sheet),
            in_stock=_in_stock(sheet),
            attributes=encode_attributes(sheet.attributes),
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
    shown = sheet.value("title") or next((v for v in sheet.fields.values() if v), "")
    reason = "no id: without one the product cannot be named, updated or deleted"
    return Finding(sheet.line, None, "rejected", "id", reason, shown[:200] or None)


def _unpack_attributes(sheet: _Sheet) -> None:
    """A column `attributes` that holds a JSON object is one of ours, exported."""
    text = sheet.attributes.get("attributes", "")
    if text.startswith("{"):
        try:
            inner = json.loads(text)
        except ValueError:
            return
        del sheet.attributes["attributes"]
        sheet.attributes |= {clean(str(name)): plain(str(value)) for name, value in inner.items()}


def _title(sheet: _Sheet, title: str, category: str | None) -> str:
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


def _description(sheet: _Sheet) -> str:
    columns = sheet.mapping.columns.get("description", ())
    text = next((text for name in columns if (text := plain(sheet.fields.get(name, "")))), "")
    text = text or sheet.mapping.defaults.get("description", "")
    if len(text) > LONGEST_TEXT:
        sheet.remark("description", f"cut at {LONGEST_TEXT} characters")
    return text[:LONGEST_TEXT]


def _category(sheet: _Sheet, title: _Text, description: _Text) -> str | None:
    columns = sheet.mapping.columns.get("category", ())
    told = [text for column in columns if (text := clean(sheet.fields.get(column, "")))]
    if not told and "category" in sheet.mapping.defaults:
        told = [sheet.mapping.defaults["category"]]
    named = next((word for text in told if (word := category_of_column(text))), None)
    titled = category_of_title(title.text, title.essence)
    if titled is None and named in BROAD:  # "Bridal Sets" says too little to stop there
        titled = category_of_title(description.text, description.essence)
    answer = decide(named, titled)
    if answer.remark:
        sheet.remark("category", answer.remark, title.text)
    if answer.category is None:
        value = told[0] if told else None
        sheet.remark("category", "neither category nor title name a kind of product", value)
    if told:
        sheet.attributes["category"] = told[0]
    return answer.category


def _traits(sheet: _Sheet, category: str | None, title: _Text, description: _Text) -> Traits:
    material = sheet.value("material")
    if material:
        sheet.attributes["material"] = material
    known, fineness = _of_material(material) if material else ((), None)
    if category in NOT_JEWELRY:  # the gold chain of a purse makes no gold purse
        read = traits_of((known,))._replace(shape=None, setting=None)
    else:
        read = traits_of((known, title.essence, description.essence))
        karat = fineness or karat_of(title.text) or karat_of(description.text)
        if karat and (read.metal is None or "gold" in read.metal):
            read = read._replace(karat=karat)
        if len(read.stones) > 1:
            sheet.attributes["stones"] = ", ".join(read.stones)
        if len(read.metals) > 1:
            sheet.attributes["metals"] = ", ".join(read.metals)
    return _with_columns(sheet, read)


@lru_cache(maxsize=20_000)
def _of_material(material: str) -> tuple[tuple[str, ...], int | None]:
    """Materials repeat: their essence and karat."""
    return essence(material), karat_of(material)


def _with_columns(sheet: _Sheet, read: Traits) -> Traits:
    """What columns of their own say goes before what was read from texts."""
    if _TOLD.isdisjoint(sheet.values):
        return read
    told = {kind: word for kind in _TRAIT_COLUMNS if (word := sheet.told(kind))}
    if told:
        read = read._replace(**told)  # type: ignore[arg-type]  # the kinds are fields of Traits
    karat = sheet.value("karat") or sheet.value("metal")
    number = karat_of(f"{karat}K" if karat.isdigit() else karat) if karat else None
    return read._replace(karat=number) if number else read


def _price(sheet: _Sheet) -> tuple[Decimal | None, str | None]:
    text, named = sheet.value("price"), sheet.value("currency")
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
            links += [link for part in _LINK_BREAK.split(text) if (link := storable(part).strip())]
    links = list(dict.fromkeys(links))
    if len(links) > MOST_LINKS:
        sheet.remark("images", f"{len(links)} pictures, the first {MOST_LINKS} are taken")
    return tuple(links[:MOST_LINKS])


def _url(sheet: _Sheet) -> str | None:
    url = sheet.value("url")
    if not url or url.lower().startswith(("https://", "http://")):
        return url or None
    sheet.remark("url", "not an http(s) address: left out of the product's link", url)
    sheet.attributes["url"] = url
    return None


def _in_stock(sheet: _Sheet) -> bool | None:
    text = sheet.value("in_stock").casefold()
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
