"""Plain text out of what feeds put into their fields."""

from __future__ import annotations

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

_SPACE = re.compile(r"\s+")
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&(?:#\d|#[xX]|[a-zA-Z])")
_BREAKS = frozenset(
    {"p", "br", "li", "div", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "td", "ul", "ol", "table"}
)
_HIDDEN = frozenset({"script", "style", "template", "noscript"})
_UNSEEN = frozenset({"Cc", "Cs", "Cf"})


def clean(text: str) -> str:
    """One line in Unicode NFC: entities resolved, control and zero-width characters gone, spaces single."""
    if text.isascii() and text.isprintable() and "&" not in text and "  " not in text:
        return text.strip()
    if "&" in text and _MARKUP.search(text):
        text = unescape(text)
    return _flatten(text)


def plain(text: str) -> str:
    """`clean`, with HTML tags out: what the page would show, scripts and styles excluded."""
    if "<" not in text and "&" not in text:
        return clean(text)
    if not _MARKUP.search(text):
        return _flatten(text)
    for _ in range(2):  # feeds escape twice: &lt;p&gt; holds a tag as well
        reader = _Shown()
        reader.feed(text)
        reader.close()
        text = "".join(reader.parts)
        if not _MARKUP.search(text):
            break
    return _flatten(text)


def storable(text: str) -> str:
    """`text` without what no database stores: NUL and halves of surrogate pairs."""
    if text.isprintable():
        return text
    return text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


def _flatten(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        spaced = _SPACE.sub(" ", text)
        text = "".join(c for c in spaced if c == " " or _visible(c))
    return _SPACE.sub(" ", text).strip()


def _visible(character: str) -> bool:
    # The joiners shape words in Indic and Arabic scripts: they are part of the spelling.
    return unicodedata.category(character) not in _UNSEEN or character in "\u200c\u200d"


class _Shown(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """What only looks like `<![CDATA[` is a comment, as browsers take it; the library's parser gives up."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return self.parse_bogus_comment(i, report)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN and self._hidden:
            self._hidden -= 1
        if tag in _BREAKS:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
