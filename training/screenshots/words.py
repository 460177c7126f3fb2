"""Plausible words for a screen, by script; the lists are in `texts/`."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources

import numpy as np

from visionseek.errors import InputError

_NUMBER = re.compile(r"\{(\d+)(-|\.\.)(\d+)\}")
_TIME = re.compile(r"\{time(12)?\}")
_KEY = re.compile(r"\{(?!time\})([a-z_]+)\}")
_WORD = re.compile(r"[A-Za-z]{3}")
_DIGITS = re.compile(r"\d+(?![\dA-Za-z])")  # not those of 5G or 18K
_AMOUNT = re.compile(r"\d[\d,.\u066c ]*\d|\d")
_CENTS = re.compile(r"[.,]\d\d$")
_GROUPED = 1000  # numbers from here on are written 1,000
# One screen has one currency, one way to write times, and sizes that fit their label.
_STICKY = ("price", "stamp", "size_label", "chip")
# These stand in the order in which they are listed, from the first one on.
_ORDERED = ("tab", "results_tab", "chip_size", "chip_metal", "chip_length", "chip_letter")
_SPELT = str.maketrans({"€": "EUR ", "£": "GBP ", "₹": "INR "})


class Words:
    """Texts of one script on one screen; `rtl` says that lines run from right to left.

    Args:
        script: `latin`, `arabic`, `devanagari` or `chinese`.
        rng: decides what is the same all over the screen.
        ascii_only: for the letters that Pillow carries, which are few.
    """

    def __init__(self, script: str, rng: np.random.Generator, *, ascii_only: bool = False) -> None:
        table = _table(script)
        self.script = script
        self.rtl = table.get("direction") == "rtl"
        self._lists = {key: tuple(map(str, entry)) for key, entry in table.items() if isinstance(entry, list)}
        self._decks: dict[str, list[int]] = {}
        self._ascii_only = ascii_only
        self._price = ""
        self._sticky = float(rng.random())
        self._minute = 8 * 60 + int(rng.integers(13 * 60))
        native = float(rng.random()) < 0.4
        self._digits = (
            {ord(str(n)): digit for n, digit in enumerate(str(table.get("digits", "")))} if native else {}
        )

    def say(self, key: str, rng: np.random.Generator) -> str:
        """One text of the list `key`, its placeholders filled.

        Raises:
            InputError: no list of that name.
        """
        text = self._old_price(rng) if key == "old_price" else self._pick(key, rng)
        while found := _KEY.search(text):
            text = text[: found.start()] + self._pick(found[1], rng) + text[found.end() :]
        text = _TIME.sub(lambda match: self._time(rng, half=match[1] == "12"), text)
        text = _NUMBER.sub(lambda match: _number(match, rng), text)
        if not _WORD.search(text):  # addresses and names in Latin letters keep their digits
            text = _DIGITS.sub(lambda match: match[0].translate(self._digits), text)
        if self._ascii_only:
            text = text.translate(_SPELT).encode("ascii", "ignore").decode()
        if key == "price":
            self.note_price(text)
        return text

    def note_price(self, text: str) -> None:
        """Keep the price that is shown: the next old one belongs to it."""
        self._price = text

    def _old_price(self, rng: np.random.Generator) -> str:
        """The price shown last, before its reduction by a tenth to a half."""
        now = self._price or self.say("price", rng)
        factor = 1 / float(rng.uniform(0.5, 0.9))
        return _AMOUNT.sub(lambda match: _raised(match[0], factor), now, count=1)

    def _pick(self, key: str, rng: np.random.Generator) -> str:
        if key not in self._lists:
            known = ", ".join(self._lists)
            raise InputError(f"no texts `{key}` in script {self.script}", mend=f"keys: {known}")
        if key in _STICKY:
            return self._lists[key][int(self._sticky * len(self._lists[key]))]
        if not self._decks.get(key):  # like a deck of cards: nothing comes twice before all came once
            count = len(self._lists[key])
            order = range(count)[::-1] if key in _ORDERED else rng.permutation(count)
            self._decks[key] = [int(n) for n in order]
        return self._lists[key][self._decks[key].pop()]

    def _time(self, rng: np.random.Generator, *, half: bool) -> str:
        """The next message's time: a few minutes after the last one."""
        self._minute += int(rng.integers(4))
        hour, minute = self._minute // 60, self._minute % 60
        return f"{(hour - 1) % 12 + 1 if half else hour}:{minute:02d}"


def _raised(amount: str, factor: float) -> str:
    """An amount times `factor`, written alike: `1,200.00` becomes `1,714.00`."""
    cents = _CENTS.search(amount)
    whole = amount[: cents.start()] if cents else amount
    value = round(int("".join(letter for letter in whole if letter.isdigit())) * factor) + 1
    return (f"{value:,}" if value >= _GROUPED else str(value)) + (".00" if cents else "")


def _number(match: re.Match[str], rng: np.random.Generator) -> str:
    low, high = int(match[1]), int(match[3])
    value = low + int(rng.integers(high - low + 1))
    return f"{value:,}" if match[2] == "-" and value >= _GROUPED else str(value)


@lru_cache(maxsize=8)
def _table(script: str) -> dict[str, object]:
    file = resources.files(__package__) / "texts" / f"{script}.toml"
    if not file.is_file():
        raise InputError(f"no texts for script `{script}`")
    return tomllib.loads(file.read_text("utf-8"))
