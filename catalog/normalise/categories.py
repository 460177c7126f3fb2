"""Which category a product is of: what the feed says, made more precise by its title, never contradicted."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from catalog.normalise.scan import TAXONOMY, Mention, mentions_of
from catalog.normalise.scan import essence as essence_of

# "jewelry" and "jewelry set" say little, so a title may name any kind. A pendant is sold under necklaces,
# a charm under pendants or bracelets, and so on. Everything else in a feed's category column stands.
BROAD = frozenset({"jewelry", "jewelry set"})
REFINES: dict[str, frozenset[str]] = {
    "necklace": frozenset({"pendant", "charm", "jewelry set"}),
    "pendant": frozenset({"charm", "necklace"}),
    "bracelet": frozenset({"charm", "anklet", "jewelry set"}),
    "earring": frozenset({"jewelry set"}),
    "other": frozenset({"bag", "watch"}),
}
NOT_JEWELRY = frozenset({"other", "bag", "watch"})

_SEGMENTS = re.compile(r"\s*(?:>|/|»|\||:|,|;|\n)\s*")
_HEAD = re.compile(
    r"\s+(?:with|w/|for|in|of|featuring|mit|für|aus|met|voor)\s+|\s+[-\u2013\u2014]+\s+|[,(|:;]",
    re.IGNORECASE,
)


class CategoryAnswer(NamedTuple):
    """A category of the taxonomy or None, and a remark where feed and title disagree."""

    category: str | None
    remark: str | None = None


@lru_cache(maxsize=20_000)
def category_of_column(text: str) -> str | None:
    """What a category column names: the last part of a path that the taxonomy knows, or Google's number."""
    if text in TAXONOMY["google"]:
        return str(TAXONOMY["google"][text])
    for segment in reversed(_SEGMENTS.split(text.replace("_", " ").replace("&amp;", "&"))):
        named = _head_noun(_categories(essence_of(segment)))
        if named:
            return named
    return None


def category_of_title(title: str, essence: tuple[str, ...]) -> str | None:
    """The kind of thing that a title names: its head noun.

    English and German name it last ("Double CZ Ring Pendant" is a pendant), before any "with ..." or dash;
    Romance languages name it first ("Collier pendentif" is a necklace).

    Args:
        title: the title.
        essence: `essence(title)`.
    """
    found = _categories(essence)
    if len(found) <= 1:
        return found[0].word if found else None
    for part in _HEAD.split(title):
        named = _head_noun(_categories(essence_of(part)))
        if named:
            return named
    return _head_noun(found)


def decide(column: str | None, title: str | None) -> CategoryAnswer:
    """Bring together what the category column and the title name (either may be None)."""
    if column is None or column == title:
        return CategoryAnswer(None if title in {"jewelry", None} and column is None else title)
    if title is None or title == "jewelry":
        return CategoryAnswer(None if column == "jewelry" else column)
    if column in BROAD or title in REFINES.get(column, ()):
        return CategoryAnswer(title)
    return CategoryAnswer(column, f"the category says {column}, the title says {title}")


@lru_cache(maxsize=50_000)
def _categories(words: tuple[str, ...]) -> list[Mention]:
    return [mention for mention in mentions_of(words) if mention.kind == "category"]


def _head_noun(found: list[Mention]) -> str | None:
    if not found:
        return None
    kinds = {mention.word for mention in found} - BROAD - NOT_JEWELRY
    if len(kinds) > 1 and any(mention.word == "jewelry set" for mention in found):
        return "jewelry set"
    if found[0].head_first:
        return found[0].word
    precise = [mention for mention in found if mention.word not in BROAD]
    if found[-1].alias == "set" and len(precise) == 1:
        # "necklace set" is several things, "stud set" or "ring set" are still studs and rings
        return "jewelry set" if precise[0].word == "necklace" else precise[0].word
    return (precise or found)[-1].word
