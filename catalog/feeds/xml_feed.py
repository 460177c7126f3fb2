"""Google Merchant XML (RSS or Atom) and other lists of items in XML, streaming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from catalog.drafts import Row
from visionseek.errors import FeedError

CHUNK = 64 * 1024
LONGEST_FIELD = 1_000_000
ITEMS = frozenset({"item", "entry", "product", "offer", "row", "record"})


def read_xml(stream: BinaryIO, where: str) -> Iterator[Row]:
    """Rows of an XML feed: one for each `item`, `entry`, `product`, `offer`, `row` or `record`.

    Names lose their prefix (`g:price` is `price`), repeated elements are joined with newlines, inner ones
    have a point in the name (`shipping.price`).

    Raises:
        FeedError: not well-formed, cut off, with a DTD or entities, or without items.
    """
    items = _Items()
    parser = items.parser
    found = False
    try:
        while chunk := stream.read(CHUNK):
            parser.Parse(chunk, False)
            for row in items.taken():
                found = True
                yield row
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise FeedError(f"not readable as XML: {error}", where=f"{where}:{error.lineno}") from error
    except _Refused as error:
        raise FeedError(str(error), where=f"{where}:{parser.CurrentLineNumber}") from error
    except (ValueError, LookupError) as error:  # an encoding that Python does not know either
        raise FeedError(f"not readable as XML: {error}", where=where) from error
    if not found:
        raise FeedError(
            "no items in this XML", where=where, mend=f"a product is one of: {', '.join(sorted(ITEMS))}"
        )


class _Refused(Exception):
    """XML that is well-formed and not read."""


class _Items:
    """Puts rows together from the parser's calls."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.ExternalEntityRefHandler = self._refuse_entity
        self._rows: list[Row] = []
        self._fields: dict[str, str] | None = None
        self._line = 0
        self._path: list[str] = []
        self._texts: list[list[str]] = []
        self._size = 0

    def taken(self) -> list[Row]:
        """The rows that are whole since the last call."""
        rows, self._rows = self._rows, []
        return rows

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if self._fields is None:
            if local.lower() in ITEMS:
                self._fields = dict(attributes)
                self._line = self.parser.CurrentLineNumber
            return
        self._path.append(local)
        self._texts.append([attributes["href"]] if "href" in attributes else [])
        self._size = 0

    def _end(self, name: str) -> None:
        del name
        if self._fields is None:
            return
        if not self._path:
            self._rows.append(Row(self._line, self._fields))
            self._fields = None
            return
        key = ".".join(self._path)
        text = "".join(self._texts.pop()).strip()
        self._path.pop()
        if text:
            before = self._fields.get(key)
            self._fields[key] = f"{before}\n{text}" if before else text

    def _text(self, data: str) -> None:
        if self._texts:
            self._size += len(data)
            if self._size > LONGEST_FIELD:
                raise _Refused(f"an element of more than {LONGEST_FIELD:,} characters")
            self._texts[-1].append(data)

    def _refuse_entity(self, *_: object) -> int:
        raise _Refused(
            "the feed declares entities, which are not read: they can stand for files and endless text"
        )
