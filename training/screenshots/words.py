"""Plausible words for a screen, by script; the lists are in `texts/`."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import resources

import numpy as np

from visionseek.errors import InputError

_NUMBER = re.compile(r"\{(\d+)-(\d+)\}")
_KEY = re.compile(r"\{([a-z_]+)\}")
_GROUPED = 1000  # numbers from here on are written 1,000


class Words:
    """Texts of one script; `rtl` says that lines run from right to left."""

    def __init__(self, script: str, *, ascii_only: bool = False) -> None:
        table = dict(_table(script))
        self.script = script
        self.rtl = table.pop("direction", "ltr") == "rtl"
        self._digits = str(table.pop("digits", ""))
        self._lists = {key: tuple(map(str, entry)) for key, entry in table.items() if isinstance(entry, list)}
        self._decks: dict[str, list[int]] = {}
        self._ascii_only = ascii_only

    def say(self, key: str, rng: np.random.Generator) -> str:
        """One text of the list `key`, its placeholders filled.

        Raises:
            InputError: no list of that name.
        """
        text = self._pick(key, rng)
        while found := _KEY.search(text):
            text = text[: found.start()] + self._pick(found[1], rng) + text[found.end() :]
        native = bool(self._digits) and float(rng.random()) < 0.5
        text = _NUMBER.sub(lambda match: self._number(int(match[1]), int(match[2]), rng, native=native), text)
        if self._ascii_only:  # the letters that Pillow carries are few
            text = text.translate({0x20AC: "EUR ", 0xA3: "GBP ", 0x20B9: "INR "})
            text = text.encode("ascii", "ignore").decode()
        return text

    def _pick(self, key: str, rng: np.random.Generator) -> str:
        if key not in self._lists:
            raise InputError(
                f"no texts `{key}` in script {self.script}", mend=f"keys: {', '.join(self._lists)}"
            )
        if not self._decks.get(key):  # like a deck of cards: nothing comes twice before all came once
            self._decks[key] = [int(n) for n in rng.permutation(len(self._lists[key]))]
        return self._lists[key][self._decks[key].pop()]

    def _number(self, low: int, high: int, rng: np.random.Generator, *, native: bool) -> str:
        value = low + int(rng.integers(high - low + 1))
        text = f"{value:,}" if value >= _GROUPED else str(value)
        return (
            text.translate({ord(str(n)): digit for n, digit in enumerate(self._digits)}) if native else text
        )


@lru_cache(maxsize=8)
def _table(script: str) -> dict[str, object]:
    file = resources.files(__package__) / "texts" / f"{script}.toml"
    if not file.is_file():
        raise InputError(f"no texts for script `{script}`")
    return tomllib.loads(file.read_text("utf-8"))
