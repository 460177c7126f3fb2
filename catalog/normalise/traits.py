"""Metal, stone, shape, setting and karat, out of columns of that name or out of running text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from catalog.normalise.scan import TAXONOMY, Kind, Mention, mentions_of, scan

KARATS = frozenset({8, 9, 10, 12, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24})
FINENESS = {"333": 8, "375": 9, "417": 10, "585": 14, "750": 18, "875": 21, "916": 22, "999": 24}

_GOLD = r"(?:yellow |white |rose |pink |red )?(?:gold|or\b|oro\b|ouro\b)"
_KARAT = re.compile(
    rf"(?<![\d.,])(\d{{1,2}})[\s-]?(?:kt?\b|karats?\b)|(?<![\d.,])(\d{{1,2}})[\s-]?(?:ct|carats?)[\s-]+{_GOLD}"
    rf"|{_GOLD}(?:\s+\w+)?\s+(\d{{1,2}})[\s-]?(?:ct|carats?|quilates)\b",
    re.IGNORECASE,
)
_FINENESS = re.compile(
    rf"\b(333|375|417|585|750|875|916|999)(?:er|‰|/1000)?\s+(?:{_GOLD}|gelbgold|weißgold|roségold|rotgold)"
    rf"|(?:{_GOLD}|gelbgold|weißgold|roségold|rotgold)\s+(333|375|417|585|750|875|916|999)\b",
    re.IGNORECASE,
)


# What the expressions need, found in one pass; nearly every text is ASCII, whose digits are found twice as fast.
_HINT = re.compile(r"[0-9](?:[\s-]?[kKcCqQ]|[0-9][0-9])")
_ANY_HINT = re.compile(r"\d(?:[\s-]?[kKcCqQ]|\d\d)")


class Traits(NamedTuple):
    """What a text says of a piece, None where nothing; `metals` and `stones` name all, the main one first."""

    metal: str | None
    stone: str | None
    shape: str | None
    setting: str | None
    karat: int | None
    metals: tuple[str, ...]
    stones: tuple[str, ...]


@lru_cache(maxsize=50_000)
def traits_of(essences: tuple[tuple[str, ...], ...]) -> Traits:
    """Read traits from essences in order of trust; for each trait the first text that says anything wins.

    `karat` is left open: numbers are not part of an essence.
    """
    scanned = [mentions_of(essence) for essence in essences]
    metals, stones, shapes = (_first(scanned, kind) for kind in ("metal", "stone", "shape"))
    return Traits(
        metal=metals[0] if metals else None,
        stone=stones[0] if stones else None,
        shape=shapes[0] if shapes else None,
        setting=_setting(scanned),
        karat=None,
        metals=metals,
        stones=stones,
    )


@lru_cache(maxsize=20_000)
def from_column(kind: Kind, value: str) -> str | None:
    """The taxonomy's word for a value of the column of that kind; None for an unknown one."""
    text = value.replace("_", " ").replace("-", " ").casefold().strip()
    if text in TAXONOMY["column"].get(kind, ()):
        return text
    return next((mention.word for mention in scan(text) if mention.kind == kind), None)


def karat_of(text: str) -> int | None:
    """Karats of gold, from `18K`, `750er Gold`, `or 18 carats`; the weight of a stone in ct is none."""
    hints = (_HINT if text.isascii() else _ANY_HINT).findall(text)
    if not hints:
        return None
    if not "".join(hints).isdigit():
        for found in _KARAT.finditer(text):
            number = int(next(group for group in found.groups() if group))
            if number in KARATS:
                return number
    if not FINENESS.keys().isdisjoint(hints):
        fine = _FINENESS.search(text)
        return FINENESS[fine.group(1) or fine.group(2)] if fine else None
    return None


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
