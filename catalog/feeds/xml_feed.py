"""Google Merchant XML (RSS or Atom) and other lists of items in XML, streaming."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from catalog.drafts import Row
from catalog.feeds.streams import Rejoined, in_utf8
from visionseek.errors import FeedError

CHUNK = 64 * 1024
LONGEST_FIELD = 1_000_000
LONGEST_TAG = 4_000_000  # bytes, attributes included
LONGEST_ITEM = 16_000_000  # characters of all fields
DEEPEST = 64
OWN = frozenset({"utf-8", "utf8", "utf-16", "us-ascii", "ascii", "iso-8859-1"})  # the parser's own
ITEMS = frozenset({"item", "entry", "product", "offer", "row", "record"})
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")


def read_xml(stream: BinaryIO, where: str, *, encoding: str | None = None) -> Iterator[Row]:
    """Rows of an XML feed: one for each `item`, `entry`, `product`, `offer`, `row` or `record`.

    Args:
        stream: the document; empty lines before its declaration are passed over.
        where: the feed's name for errors.
        encoding: of its text; what its declaration says when None.

    Names lose their prefix (`g:price` is `price`), repeated elements are joined with newlines, inner ones
    have a point in the name (`shipping.price`).

    Raises:
        FeedError: not well-formed, cut off, with a DTD or entities, or without items.
    """
    found = False
    chunk = stream.read(CHUNK)
    text = chunk.lstrip(b"\xef\xbb\xbf \t\r\n")
    text = text if text.startswith(b"<") else chunk
    above = chunk[: len(chunk) - len(text)].count(b"\n")
    declared = _DECLARED.match(text)
    told = encoding or (declared.group(1).decode("ascii") if declared else None)
    items = _Items(above)
    if told and told.lower() not in OWN:  # the parser knows no encodings of several bytes a letter
        try:
            stream = in_utf8(io.BufferedReader(Rejoined(text, stream), CHUNK), told)
        except LookupError as error:
            raise FeedError(f"not readable as XML: {error}", where=where) from error
        text, items = b"", _Items(above, "utf-8")
    parser = items.parser
    fed = 0
    try:
        chunk = text or stream.read(CHUNK)
        while chunk:
            parser.Parse(chunk, False)
            fed += len(chunk)
            items.check_tag(fed)
            for row in items.taken():
                found = True
                yield row
            chunk = stream.read(CHUNK)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FeedError(f"not readable as XML: {error}", where=f"{where}:{error.lineno + above}") from error
    except _Refused as error:
        raise FeedError(str(error), where=f"{where}:{parser.CurrentLineNumber + above}") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know either
        raise FeedError(f"not readable as XML: {error}", where=where) from error
    if not found:
        raise FeedError(
            "no items in this XML", where=where, mend=f"a product is one of: {', '.join(sorted(ITEMS))}"
        )


class _Refused(Exception):
    """XML that is well-formed and not read."""


class _Items:
    """Puts rows together from the parser's calls; `above` lines were cut off before the first byte."""

    def __init__(self, above: int, encoding: str | None = None) -> None:
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.ExternalEntityRefHandler = self._refuse_entity
        self._above = above
        self._rows: list[Row] = []
        self._fields: dict[str, list[str]] | None = None
        self._line = 0
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._field_size = self._item_size = 0

    def taken(self) -> list[Row]:
        """The rows that are whole since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def check_tag(self, fed: int) -> None:
        """Refuse a tag that has not ended in what was `fed` to the parser, and is too long already."""
        if fed - self.parser.CurrentByteIndex > LONGEST_TAG:
            raise _Refused(f"a tag of more than {LONGEST_TAG:,} bytes")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._fields is None:
            if local.lower() in ITEMS:
                self._fields = {key: [value] for key, value in attributes.items()}
                self._line = self.parser.CurrentLineNumber + self._above
                self._item_size = 0
            return
        if len(self._path) == DEEPEST:
            raise _Refused(f"elements more than {DEEPEST} deep")
        self._path.append(local)
        self._texts.append([attributes["href"]] if "href" in attributes else [])
        self._field_size = 0
        self._count(len(name))

    def _end(self, name: str) -> None:
        del name
        if self._fields is None:
            return
        if not self._path:
            self._rows.append(Row(self._line, {key: "\n".join(texts) for key, texts in self._fields.items()}))
            self._fields = None
            return
        key = ".".join(self._path)
        text = "".join(self._texts.pop()).strip()
        self._path.pop()
        if text:
            self._fields.setdefault(key, []).append(text)

    def _text(self, data: str) -> None:
        if self._texts:
            self._field_size += len(data)
            if self._field_size > LONGEST_FIELD:
                raise _Refused(f"an element of more than {LONGEST_FIELD:,} characters")
            self._count(len(data))
            self._texts[-1].append(data)

    def _count(self, size: int) -> None:
        self._item_size += size
        if self._item_size > LONGEST_ITEM:
            raise _Refused(f"an item of more than {LONGEST_ITEM:,} characters")

    def _refuse_entity(self, *_: object) -> int:
        raise _Refused(
            "the feed declares entities, which are not read: they can stand for files and endless text"
        )
