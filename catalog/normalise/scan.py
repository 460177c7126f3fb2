"""Find the taxonomy's words in a text, longest phrase first, each place once."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["category", "metal", "stone", "shape", "setting", "noise"]

TAXONOMY: dict[str, Any] = tomllib.loads(Path(__file__).with_name("taxonomy.toml").read_text("utf-8"))

# Letters with their combining marks (Devanagari vowels are marks), an apostrophe inside a word, or digits.
_TOKEN = re.compile(r"\d+|[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963])*(?:['’][^\W\d_]+)?")  # noqa: RUF001 -- the curly apostrophe is meant
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
LONGEST = 4


class Mention(NamedTuple):
    """One word of the taxonomy in a text.

    Attributes:
        kind: which part of the taxonomy.
        word: the taxonomy's own word.
        start: index of its first token.
        head_first: the alias is of a language that names the thing before what it is made of.
        alias: as it stands in the text, in lower case.
    """

    kind: Kind
    word: str
    start: int
    head_first: bool
    alias: str


def _build() -> dict[str, list[tuple[Kind, str, bool]]]:
    table: dict[str, list[tuple[Kind, str, bool]]] = {}
    _add(table, "noise", TAXONOMY["noise"])
    _add(table, "category", TAXONOMY["category"])
    _add(table, "category", TAXONOMY["category-first"], head_first=True)
    _add(table, "metal", TAXONOMY["metal"])
    _add(table, "stone", TAXONOMY["stone"])
    _add(table, "shape", TAXONOMY["shape"])
    _add(table, "setting", TAXONOMY["setting"])
    return table


def _add(
    table: dict[str, list[tuple[Kind, str, bool]]],
    kind: Kind,
    words: dict[str, list[str]],
    *,
    head_first: bool = False,
) -> None:
    for word, aliases in words.items():
        forms = set(aliases)
        if not head_first:
            forms |= {f"{alias}s" for alias in aliases if alias.isascii() and alias[-1] not in "sy"}
        for form in forms:
            entries = table.setdefault(form.casefold(), [])
            if all(entry[0] != kind for entry in entries):
                entries.append((kind, word, head_first))


PHRASES = _build()
_FIRST = frozenset(phrase.split(" ")[0] for phrase in PHRASES)
_GLUED = tuple(sorted((p for p in PHRASES if _UNSPACED.search(p)), key=len, reverse=True))


def tokens(text: str) -> list[str]:
    """Words and numbers of a text in lower case; hyphens separate."""
    return _TOKEN.findall(text.lower() if text.isascii() else text.casefold().replace("’", "'"))  # noqa: RUF001


def scan(text: str) -> tuple[Mention, ...]:
    """All mentions in `text`, in order.

    A phrase may speak of two kinds ("crystal gemstone"); of overlapping phrases the longest counts, so
    that "emerald cut" is a shape and never a stone, and "rose gold" never rose quartz.
    """
    found = tokens(text)
    if _FIRST.isdisjoint(found):
        return _scan_unspaced(text) if not text.isascii() and _UNSPACED.search(text) else ()
    mentions: list[Mention] = []
    position = 0
    while position < len(found):
        if found[position] not in _FIRST:
            position += 1
            continue
        for length in range(min(LONGEST, len(found) - position), 0, -1):
            phrase = " ".join(found[position : position + length])
            entries = PHRASES.get(phrase)
            if entries:
                mentions += [Mention(kind, word, position, first, phrase) for kind, word, first in entries]
                position += length
                break
        else:
            position += 1
    return tuple(mentions)


@lru_cache(maxsize=20_000)
def scan_cached(text: str) -> tuple[Mention, ...]:
    """`scan` for columns whose values repeat: material, category, metal."""
    return scan(text)


def _scan_unspaced(text: str) -> tuple[Mention, ...]:
    """Japanese and Chinese have no spaces between words: look for each alias anywhere."""
    lowered = text.casefold()
    mentions = []
    for phrase in _GLUED:
        place = lowered.find(phrase)
        if place >= 0:
            mentions += [Mention(kind, word, place, first, phrase) for kind, word, first in PHRASES[phrase]]
            lowered = lowered.replace(phrase, "\0" * len(phrase))
    return tuple(sorted(mentions, key=lambda mention: mention.start))
