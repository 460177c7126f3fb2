"""Find the taxonomy's words in a text, longest phrase first, each place once."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from itertools import repeat
from pathlib import Path
from typing import Any, Literal, NamedTuple

Kind = Literal["category", "metal", "stone", "shape", "setting", "noise"]

TAXONOMY: dict[str, Any] = tomllib.loads(Path(__file__).with_name("taxonomy.toml").read_text("utf-8"))

# Letters with their combining marks (Devanagari vowels are marks), an apostrophe inside a word, or digits.
_TOKEN = re.compile(r"\d+|[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963])*(?:['’][^\W\d_]+)?")  # noqa: RUF001 -- the curly apostrophe is meant
_UNSPACED = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


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
# The longest phrase that begins with a word, in words: no longer one has to be looked for.
_REACH: dict[str, int] = {}
for _phrase in PHRASES:
    _first, *_rest = _phrase.split(" ")
    _REACH[_first] = max(_REACH.get(_first, 0), 1 + len(_rest))
_WORDS = {word: word for phrase in PHRASES for word in phrase.split(" ")}
_MEANT = _WORDS.get
_MEANT_ASCII = {word.encode(): word for word in _WORDS}.get
_NOTHING = repeat("")
_GLUED = tuple(sorted((p for p in PHRASES if _UNSPACED.search(p)), key=len, reverse=True))
# In ASCII, what parts words becomes a space: much faster than the expression.
_LOWERED = bytes(ord(chr(code).lower()) if chr(code).isalnum() and code < 128 else 32 for code in range(256))


def tokens(text: str) -> list[str]:
    """Words and numbers of a text in lower case; hyphens separate."""
    if text.isascii() and "'" not in text:
        return text.encode("ascii").translate(_LOWERED).decode("ascii").split()
    return _TOKEN.findall(text.casefold().replace("\u2019", "'"))


def essence(text: str) -> tuple[str, ...]:
    """The words of a text that can mean something here, with "" for the others.

    Titles and descriptions are made by patterns, so that their essences repeat and are understood once.
    """
    if text.isascii() and "'" not in text:  # the same as below, without a text for each word
        found = tuple(map(_MEANT_ASCII, text.encode().translate(_LOWERED).split(), _NOTHING))
        return found if any(found) else ()
    found = tuple(map(_MEANT, tokens(text), _NOTHING))
    if any(found):
        return found
    return _unspaced(text) if not text.isascii() and _UNSPACED.search(text) else ()


def scan(text: str) -> tuple[Mention, ...]:
    """All mentions in `text`, in order.

    A phrase may speak of two kinds ("crystal gemstone"); of overlapping phrases the longest counts, so
    that "emerald cut" is a shape and never a stone, and "rose gold" never rose quartz.
    """
    return mentions_of(essence(text))


@lru_cache(maxsize=50_000)
def mentions_of(found: tuple[str, ...]) -> tuple[Mention, ...]:
    """The mentions in an essence."""
    mentions: list[Mention] = []
    position = 0
    while position < len(found):
        for length in range(min(_REACH.get(found[position], 0), len(found) - position), 0, -1):
            phrase = " ".join(found[position : position + length])
            entries = PHRASES.get(phrase)
            if entries:
                mentions += [Mention(kind, word, position, first, phrase) for kind, word, first in entries]
                if length > 1 and entries[0][0] == "shape":  # "oval sapphire" names its stone as well
                    last = found[position + length - 1]
                    mentions += [
                        Mention(kind, word, position, first, last)
                        for kind, word, first in PHRASES.get(last, ())
                        if kind == "stone"
                    ]
                position += length
                break
        else:
            position += 1
    return tuple(mentions)


def _unspaced(text: str) -> tuple[str, ...]:
    """Japanese and Chinese have no spaces between words: look for each alias anywhere."""
    lowered = text.casefold()
    places: dict[int, str] = {}
    for phrase in _GLUED:
        place = lowered.find(phrase)
        if place >= 0:
            places[place] = phrase
            lowered = lowered.replace(phrase, "\0" * len(phrase))
    return tuple(places[place] for place in sorted(places))
