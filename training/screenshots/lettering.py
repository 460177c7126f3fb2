"""Letters of several fonts in one line: each letter from the first font that has it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Run = tuple[str, Font]

_MISSING = "\U0010fffe"  # no font has it, so it shows what a font draws for letters that it lacks
_MIRRORED = str.maketrans("()[]<>", ")(][><")


@dataclass(slots=True)
class Lettering:
    """A way to set lines: fonts in order of preference, and the direction of the script.

    Attributes:
        fonts: the first one sets the baseline.
        rtl: runs follow each other from right to left.
    """

    fonts: tuple[Font, ...]
    rtl: bool = False
    _lengths: dict[str, float] = field(default_factory=dict)

    def length(self, text: str) -> float:
        """Width of a line in pixels."""
        if text not in self._lengths:
            self._lengths[text] = sum(_advance(font, part) for part, font in self.runs(text))
        return self._lengths[text]

    def runs(self, text: str) -> list[Run]:
        """The line in pieces of one font each, in the order of reading."""
        if len(self.fonts) == 1:
            return [(text, self.fonts[0])]
        runs: list[Run] = []
        for letter in text:
            # Marks, spaces and signs stay with the letter before them, so that an address stays in one piece.
            before = runs[-1][1] if runs and not unicodedata.category(letter).startswith("L") else None
            font = before if before is not None and _has(before, letter) else self._font_of(letter)
            if runs and runs[-1][1] is font:
                runs[-1] = (runs[-1][0] + letter, font)
            else:
                runs.append((letter, font))
        return runs

    def draw(
        self, draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, ink: tuple[int, ...]
    ) -> None:
        """Draw a line from its left end; `place` is on the baseline, in pixels."""
        x, y = place
        runs = self.runs(text)
        if self.rtl and len(runs) > 1:
            runs = [(_facing(part), font) for part, font in reversed(runs)]
        for part, font in runs:
            draw.text((round(x), round(y)), part, ink, font, anchor="ls")
            x += _advance(font, part)

    def metrics(self) -> tuple[float, float]:
        """Ascent and descent of the first font in pixels."""
        font = self.fonts[0]
        if isinstance(font, ImageFont.FreeTypeFont):
            ascent, descent = font.getmetrics()
            return float(ascent), float(descent)
        height = font.getbbox("Hg")[3]
        return height * 0.8, height * 0.2

    def _font_of(self, letter: str) -> Font:
        for font in self.fonts:
            if _has(font, letter):
                return font
        return self.fonts[0]


def _facing(part: str) -> str:
    """Brackets without letters turn round in a line that runs from right to left."""
    return part if any(letter.isalpha() for letter in part) else part.translate(_MIRRORED)


def _advance(font: Font, text: str) -> float:
    """Width of a piece of one font: letters of the basic layout one by one, shaped ones by whole words."""
    shaped = isinstance(font, ImageFont.FreeTypeFont) and font.layout_engine == ImageFont.Layout.RAQM
    if not shaped:
        return sum(_width(font, letter) for letter in text)
    words = text.split(" ")
    return sum(_width(font, word) for word in words if word) + (len(words) - 1) * _width(font, " ")


@lru_cache(maxsize=65536)
def _width(font: Font, part: str) -> float:
    return float(font.getlength(part))


@lru_cache(maxsize=65536)
def _has(font: Font, letter: str) -> bool:
    if not isinstance(font, ImageFont.FreeTypeFont) or letter.isspace():
        return True
    return bytes(font.getmask(letter)) != _blank(font)


@lru_cache(maxsize=1024)
def _blank(font: ImageFont.FreeTypeFont) -> bytes:
    return bytes(font.getmask(_MISSING))
