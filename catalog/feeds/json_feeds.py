"""JSON and JSON Lines, streaming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

import ijson

from catalog.drafts import BROKEN, Row
from catalog.feeds.values import flatten
from visionseek.errors import FeedError

LONGEST_LINE = 16_000_000  # bytes, of a line of JSON Lines or of an object of JSON
DEEPEST = 64
CHUNK = 64 * 1024
MOST_DIGITS = 4_000  # Python converts 4,300
_DIGITS_AS_0 = bytes(48 if 48 <= code < 58 else 32 for code in range(256))
_TOO_MANY = b"0" * MOST_DIGITS


def read_json(stream: BinaryIO, where: str) -> Iterator[Row]:
    """Rows of the first list of objects in a JSON document: `[...]`, or `{"products": [...]}`.

    Args:
        stream: the document in UTF-8.
        where: the feed's name for errors.

    Yields:
        Rows; their `line` is the number of the object, from 1.

    Raises:
        FeedError: not JSON, cut off, or without a list of objects.
    """
    number = 0
    try:
        for record in _objects(stream):
            number += 1
            yield Row(number, flatten(record))
    except (ijson.JSONError, UnicodeError, RecursionError, ArithmeticError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FeedError(f"not readable as JSON after {number} objects: {reason}", where=where) from error
    if not number:
        raise FeedError(
            "no list of objects in this JSON", where=where, mend="one object a product, in a list"
        )


def _objects(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """The objects of the first list that has one, built from the parser's events as they come."""
    around: list[str] = []  # what the parser is inside of
    home: int | None = None  # depth of the objects
    builder: Any = None
    source = _Bounded(stream)
    for event, value in ijson.basic_parse(source, buf_size=CHUNK):
        if event.startswith("start"):
            if home is None and event == "start_map" and around[-1:] == ["start_array"]:
                home = len(around)
            if len(around) == home and event == "start_map":
                builder = ijson.ObjectBuilder()
            around.append(event)
            if len(around) > DEEPEST:
                raise ValueError(f"nested more than {DEEPEST} deep")
        elif event.startswith("end"):
            around.pop()
        if builder is not None:
            builder.event(event, value)
            if len(around) == home:
                source.size = 0
                yield builder.value
                builder = None
        else:
            source.size = 0
        if home is not None and len(around) < home:
            return  # a second list is another thing: reviews, stores


class _Bounded:
    """What the parser may be given.

    An object, or a text outside of objects, that would fill the memory before the parser hands it out is
    refused; so is a number that Python does not convert, at which the parser's C code would end the process.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._before = b""
        self.size = 0  # bytes since the last whole thing

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.size += len(data)
        if self.size > LONGEST_LINE:
            raise ValueError(f"an object of more than {LONGEST_LINE:,} bytes")
        if _TOO_MANY in (self._before + data).translate(_DIGITS_AS_0):
            raise ValueError(f"a number of more than {MOST_DIGITS:,} digits")
        self._before = data[-MOST_DIGITS:]
        return data


def read_json_lines(stream: BinaryIO, where: str) -> Iterator[Row]:
    """Rows of a file of one JSON object a line. A line that is none has only the field BROKEN.

    Raises:
        FeedError: nothing in it.
    """
    line = 0
    found = False
    while data := stream.readline(LONGEST_LINE):
        line += 1
        if not data.strip():
            continue
        found = True
        if len(data) >= LONGEST_LINE and not data.endswith(b"\n"):
            while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            yield Row(line, {BROKEN: f"a line of more than {LONGEST_LINE:,} bytes"})
            continue
        yield Row(line, _line(data))
    if not found:
        raise FeedError("the feed is empty", where=where)


def _line(data: bytes) -> dict[str, str]:
    try:
        record = json.loads(data, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        return {BROKEN: f"not a JSON object: {error}"}
    if not isinstance(record, dict):
        return {BROKEN: f"a JSON object is expected, not {type(record).__name__}"}
    return flatten(record)
