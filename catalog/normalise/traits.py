"""Metal, stone, shape, setting and karat, out of columns of that name or out of running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from catalog.normalise.scan import TAXONOMY, Kind, Mention, scan_cached

KARATS = frozenset({8, 9, 10, 12, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24})
FINENESS = {"333": 8, "375": 9, "417": 10, "585": 14, "750": 18, "875": 21, "916": 22, "999": 24}

_GOLD = r"(?:yellow |white |rose |pink |red )?(?:gold|or\b|oro\b|ouro\b)"
_KARAT = re.compile(
    rf"(?<![\d.,])(\d{{1,2}})[\s-]?(?:kt?\b|karats?\b)|(?<![\d.,])(\d{{1,2}})[\s-]?(?:ct|carats?)[\s-]+{_GOLD}"
    rf"|{_GOLD}\s+(\d{{1,2}})[\s-]?(?:ct|carats?|quilates)\b",
    re.IGNORECASE,
)
_FINENESS = re.compile(
    rf"\b(333|375|417|585|750|875|916|999)(?:er|‰|/1000)?\s+(?:{_GOLD}|gelbgold|weißgold|roségold|rotgold)"
    rf"|(?:{_GOLD}|gelbgold|weißgold|roségold|rotgold)\s+(333|375|417|585|750|875|916|999)\b",
    re.IGNORECASE,
)


class Traits(NamedTuple):
    """What a text says of a piece, None where nothing; `metals` and `stones` name all, the main one first."""

    metal: str | None
    stone: str | None
    shape: str | None
    setting: str | None
    karat: int | None
    metals: tuple[str, ...]
    stones: tuple[str, ...]


def from_text(scanned: Sequence[tuple[Mention, ...]], texts: Sequence[str]) -> Traits:
    """Read traits from texts in order of trust; for each trait the first text that says anything wins.

    Args:
        scanned: `scan` of each text.
        texts: the same texts, for karats.
    """
    metals = _first(scanned, "metal")
    stones = _first(scanned, "stone")
    shapes = _first(scanned, "shape")
    karat = next((found for found in map(karat_of, texts) if found), None)
    return Traits(
        metals[0] if metals else None,
        stones[0] if stones else None,
        shapes[0] if shapes else None,
        _setting(scanned),
        karat if metals and ("gold" in metals[0] or karat is None) else None,
        metals,
        stones,
    )


def from_column(kind: Kind, value: str) -> str | None:
    """The taxonomy's word for a value of the column of that kind; None for an unknown one."""
    text = value.replace("_", " ").replace("-", " ").casefold().strip()
    if text in TAXONOMY["column"].get(kind, ()):
        return text
    return next((mention.word for mention in scan_cached(text) if mention.kind == kind), None)


def karat_of(text: str) -> int | None:
    """Karats of gold, from `18K`, `750er Gold`, `or 18 carats`; the weight of a stone in ct is none."""
    if not any(character.isdigit() for character in text):
        return None
    for found in _KARAT.finditer(text):
        number = int(next(group for group in found.groups() if group))
        if number in KARATS:
            return number
    found_fineness = _FINENESS.search(text)
    return FINENESS[found_fineness.group(1) or found_fineness.group(2)] if found_fineness else None


def _first(scanned: Sequence[tuple[Mention, ...]], kind: Kind) -> tuple[str, ...]:
    for mentions in scanned:
        named = tuple(dict.fromkeys(mention.word for mention in mentions if mention.kind == kind))
        if named:
            return named
    return ()


def _setting(scanned: Sequence[tuple[Mention, ...]]) -> str | None:
    """A phrase that says "setting" or "set" goes before a bare word, wherever it stands."""
    named = [mention for mentions in scanned for mention in mentions if mention.kind == "setting"]
    spelt = [m for m in named if m.alias.endswith(("setting", " set", "fassung"))]
    return (spelt or named)[0].word if named else None
