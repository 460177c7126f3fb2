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
_GROUPED = 1000  # numbers from here on are written 1,000
# One screen has one currency and one way to write times; `price` and `old_price` go by pairs.
_STICKY = ("price", "old_price", "stamp")
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
        text = self._pick(key, rng)
        while found := _KEY.search(text):
            text = text[: found.start()] + self._pick(found[1], rng) + text[found.end() :]
        text = _TIME.sub(lambda match: self._time(rng, half=match[1] == "12"), text)
        text = _NUMBER.sub(lambda match: _number(match, rng), text)
        if not _WORD.search(text):  # addresses and names in Latin letters keep their digits
            text = text.translate(self._digits)
        if self._ascii_only:
            text = text.translate(_SPELT).encode("ascii", "ignore").decode()
        return text

    def _pick(self, key: str, rng: np.random.Generator) -> str:
        if key not in self._lists:
            known = ", ".join(self._lists)
            raise InputError(f"no texts `{key}` in script {self.script}", mend=f"keys: {known}")
        if key in _STICKY:
            return self._lists[key][int(self._sticky * len(self._lists[key]))]
        if not self._decks.get(key):  # like a deck of cards: nothing comes twice before all came once
            self._decks[key] = [int(n) for n in rng.permutation(len(self._lists[key]))]
        return self._lists[key][self._decks[key].pop()]

    def _time(self, rng: np.random.Generator, *, half: bool) -> str:
        """The next message's time: a few minutes after the last one."""
        self._minute += int(rng.integers(4))
        hour, minute = self._minute // 60, self._minute % 60
        return f"{(hour - 1) % 12 + 1 if half else hour}:{minute:02d}"


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
