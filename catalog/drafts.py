"""What a feed row becomes: a draft of a product, or a finding that says why not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Literal, NamedTuple

Outcome = Literal["merged", "rejected", "remark", "broken_image", "similar"]


# `new(Row, (line, fields))` makes the same as `Row(line, fields)` in half the time: for what each row passes.
new = tuple.__new__

# A row that is no row: what is wrong with it stands under a name that no feed uses for a column.
BROKEN = "\0broken"


def encode_attributes(attributes: Mapping[str, str]) -> str:
    """Attributes as JSON; sorted keys, so that equal attributes are equal texts.

    By hand, since making an encoder for each row costs several times the encoding.
    """
    quoted = encode_basestring
    return (
        "{" + ", ".join([f"{quoted(name)}: {quoted(attributes[name])}" for name in sorted(attributes)]) + "}"
    )


class Row(NamedTuple):
    """One row of a feed as it was read.

    Attributes:
        line: where it begins in the feed, counted from 1; a row number where the format has no lines.
        fields: column name to value; repeated columns are joined with newlines.
    """

    line: int
    fields: dict[str, str]


class Finding(NamedTuple):
    """One line of the report: what happened to a row or picture, and why.

    Attributes:
        line: line of the feed, None when it came through the API.
        product_id: the product, where it is known.
        outcome: merged and rejected count rows; remarks and pictures come on top of an accepted row.
        field: the column or property that it is about.
        reason: a sentence for a person.
        value: what was found there.
    """

    line: int | None
    product_id: str | None
    outcome: Outcome
    field: str
    reason: str
    value: str | None = None


class Draft(NamedTuple):
    """A product as the feed says it is, normalised; `links` are its pictures in order, the main one first."""

    id: str
    title: str  # empty where the feed has none
    category: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    metal: str | None = None
    stone: str | None = None
    shape: str | None = None
    setting: str | None = None
    karat: int | None = None
    description: str = ""
    url: str | None = None
    in_stock: bool | None = None  # None: the feed does not say; sold as in stock
    attributes: str = "{}"
    links: tuple[str, ...] = ()

    def shown_title(self) -> str:
        """The title, or the category's name for a product that has none."""
        return self.title or (self.category or "untitled").capitalize()

    def digest(self) -> str:
        """128 bits over everything; equal digests mean that an import has nothing to change."""
        return hashlib.blake2b(repr(tuple(self)).encode("utf-8", "replace"), digest_size=16).hexdigest()
