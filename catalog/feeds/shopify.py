"""Shopify's product CSV: several rows a product, options by number, stock by variant.

https://help.shopify.com/en/manual/products/import-export/using-csv
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from catalog.drafts import BROKEN, Row

OPTIONS = (1, 2, 3)
_HIDDEN = frozenset({"draft", "archived"})


def is_shopify(columns: Iterable[str]) -> bool:
    """Whether a CSV header is that of a Shopify export."""
    names = {column.lower() for column in columns}
    return {"handle", "title"} <= names and bool(names & {"variant price", "image src", "option1 name"})


def read_shopify(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows whose options go by their names and whose stock says what the shop sells.

    `Option1 Name: Size, Option1 Value: 7` becomes `Size: 7`; a product's further rows have no names, those
    of its first row hold. What is not published, a draft or archived counts as sold out.
    """
    handle, names, hidden = "", ["", "", ""], False
    for row in rows:
        if BROKEN in row.fields:
            yield row
            continue
        fields = dict(row.fields)
        if fields.get("Handle", "") != handle:
            handle, names = fields.get("Handle", ""), ["", "", ""]
            published = fields.get("Published", "").strip().lower()
            hidden = fields.get("Status", "").strip().lower() in _HIDDEN or published == "false"
        for place, number in enumerate(OPTIONS):
            names[place] = fields.pop(f"Option{number} Name", "").strip() or names[place]
            value = fields.pop(f"Option{number} Value", "").strip()
            if value and value != "Default Title" and names[place]:
                fields[names[place]] = value
        _stock(fields, hidden=hidden)
        yield Row(row.line, fields)


def _stock(fields: dict[str, str], *, hidden: bool) -> None:
    """Write what is for sale into `Variant Inventory Qty`; rows that only add a picture say nothing."""
    if hidden:
        fields["Variant Inventory Qty"] = "0"
    elif not fields.get("Variant Price", "").strip():
        fields["Variant Inventory Qty"] = ""
    elif (
        not fields.get("Variant Inventory Tracker", "").strip()
        or fields.get("Variant Inventory Policy", "").strip().lower() == "continue"
    ):
        fields["Variant Inventory Qty"] = "in stock"
