"""Two rows of one feed with the same id: the same product again, or another one by mistake."""

from __future__ import annotations

import json

from catalog.drafts import Draft, encode_attributes

LONGEST_JOINED = 2_000


def same_product(first: Draft, second: Draft) -> bool:
    """Whether a later row speaks of the product of an earlier row with its id.

    It does when the titles are equal but for case and spaces and nothing else says otherwise, or when one of
    the rows has no title of its own (Shopify's further rows of a product have none).
    """
    if first.category and second.category and first.category != second.category:
        return False
    return _own_title(first) == _own_title(second) or not _own_title(first) or not _own_title(second)


def is_empty(draft: Draft) -> bool:
    """Whether a draft has neither a title of its own nor a picture; then it can only add to another row."""
    return not draft.links and not draft.title.strip()


def merge(first: Draft, second: Draft) -> tuple[Draft, str]:
    """The product with what the second row adds, and in words what that was.

    The first row's values stand; empty ones are filled, pictures are appended, other attributes are joined.
    """
    filled = {
        name: theirs
        for name in Draft._fields
        if name not in {"links", "attributes", "in_stock", "title"}
        and getattr(first, name) in {None, ""}
        and (theirs := getattr(second, name)) not in {None, ""}
    }
    if not _own_title(first) and _own_title(second):
        filled["title"] = second.title
    if second.in_stock is not None and first.in_stock is not True:
        filled["in_stock"] = second.in_stock
    links = tuple(dict.fromkeys((*first.links, *second.links)))
    attributes = _join(json.loads(first.attributes), json.loads(second.attributes))
    merged = first._replace(**filled, links=links, attributes=encode_attributes(attributes))
    said = [f"adds {name}" for name in filled]
    if len(links) > len(first.links):
        said.append(f"adds {len(links) - len(first.links)} picture(s)")
    said += [
        f"its {name} differs and is not taken"
        for name in ("price", "description")
        if getattr(second, name) not in {None, "", getattr(merged, name)}
    ]
    return merged, ", ".join(said) or "adds nothing new"


def _own_title(draft: Draft) -> str:
    return " ".join(draft.title.casefold().split())


def _join(first: dict[str, str], second: dict[str, str]) -> dict[str, str]:
    joined = dict(first)
    for name, value in second.items():
        known = joined.get(name, "")
        if not known:
            joined[name] = value
        elif value not in known.split("; ") and len(known) + len(value) < LONGEST_JOINED:
            joined[name] = f"{known}; {value}"
    return joined
