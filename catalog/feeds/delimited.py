"""CSV and TSV, any encoding, quoted newlines, streaming."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from charset_normalizer import from_bytes

from catalog.drafts import BROKEN, Row
from visionseek.errors import FeedError

SAMPLE = 256 * 1024
LONGEST_FIELD = 1_000_000
# What spreadsheets and shop systems outside of UTF-8 write; fewer candidates are faster and err less.
OLD_ENCODINGS = [
    "cp1252",
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp932",
    "gb18030",
    "big5",
    "cp949",
    "mac_roman",
]
DELIMITERS = ",;\t|"
_MARKS = (  # byte order marks, longest first
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


def read_delimited(
    stream: BinaryIO, where: str, *, delimiter: str | None = None, encoding: str | None = None
) -> Iterator[Row]:
    """Rows of a CSV or TSV file whose first line names the columns.

    Args:
        stream: the bytes.
        where: the feed's name for errors.
        delimiter: `,` `;` tab or `|`; found out from the first line when None.
        encoding: of the text; found out from the first bytes when None.

    Yields:
        Rows in order. A row with more cells than the header, or one that the csv module cannot read, has
        only the field BROKEN, which says why. Columns without a name are called `column N`.

    Raises:
        FeedError: empty, no header, or not text.
    """
    buffered = io.BufferedReader(stream, SAMPLE) if isinstance(stream, io.RawIOBase) else stream
    sample = buffered.read(SAMPLE)
    if not sample.strip():
        raise FeedError("the feed is empty", where=where)
    encoding = encoding or guess_encoding(sample, where)
    joined = io.BufferedReader(_Rejoined(sample, buffered), SAMPLE)
    csv.field_size_limit(LONGEST_FIELD)
    with io.TextIOWrapper(joined, encoding, errors="replace", newline="") as text:
        first = _header_line(text, where)
        delimiter = delimiter or max(DELIMITERS, key=first.count)
        reader = csv.reader(_chained(first, text), delimiter=delimiter)
        columns = _columns(next(reader), where)
        yield from _rows(reader, columns)


def guess_encoding(sample: bytes, where: str) -> str:
    """The encoding of a text by its first bytes: its mark, UTF-8 where it is valid, else the likeliest.

    Raises:
        FeedError: these are no bytes of a text.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    try:
        sample[:-4].decode("utf-8") if len(sample) > 8 else sample.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data" or error.start < len(sample) - 8:
            return _guess_old_encoding(sample, where)
    if b"\0" in sample:
        return _guess_old_encoding(sample, where)
    return "utf-8"


def _guess_old_encoding(sample: bytes, where: str) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 5:  # Western text in UTF-16 without a mark: every other byte is zero
        return "utf-16-be" if even > odd else "utf-16-le"
    best = None if b"\0" in sample else from_bytes(sample[:16384], cp_isolation=OLD_ENCODINGS).best()
    if best is None:
        raise FeedError(
            "this is not a text",
            where=where,
            mend="say the format with --format, or the encoding with --encoding",
        )
    # Of the single-byte code pages that explain a Western text equally well, Windows' is what exports use.
    return "cp1252" if best.encoding in {"cp1250", "cp1252", "cp1254", "mac_roman"} else best.encoding


def _header_line(text: io.TextIOWrapper, where: str) -> str:
    try:
        for _ in range(100):
            line = text.readline(LONGEST_FIELD)
            if line.strip():
                return line
            if not line:
                break
    except (UnicodeError, LookupError) as error:
        raise FeedError(
            f"not a text in this encoding: {error}", where=where, mend="say it with --encoding"
        ) from error
    raise FeedError("the feed has no header line", where=where)


def _columns(cells: list[str], where: str) -> list[str]:
    names = [cell.strip() or f"column {number}" for number, cell in enumerate(cells, 1)]
    if len(names) < 2 and not names[0].isprintable():
        raise FeedError("the first line names no columns", where=where)
    return names


def _rows(reader: Iterator[list[str]], columns: list[str]) -> Iterator[Row]:
    width, repeated = len(columns), len(set(columns)) < len(columns)
    before = reader.line_num  # type: ignore[attr-defined]  # csv.reader has it; typeshed's Iterator has not
    while True:
        line = before + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, {BROKEN: f"not readable as CSV: {error}"})
            before = reader.line_num  # type: ignore[attr-defined]
            continue
        before = reader.line_num  # type: ignore[attr-defined]
        if not cells:
            continue
        if len(cells) > width and any(cells[width:]):
            yield Row(line, {BROKEN: f"{len(cells)} cells, but the header names {width} columns"})
        elif repeated:
            yield Row(line, _joined(columns, cells))
        else:
            yield Row(line, dict(zip(columns, cells)))  # noqa: B905 -- a short row leaves its last columns empty


def _joined(columns: list[str], cells: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for column, cell in zip(columns, cells):  # noqa: B905
        fields[column] = (
            f"{fields[column]}\n{cell}" if fields.get(column) and cell else fields.get(column) or cell
        )
    return fields


def _chained(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest


class _Rejoined(io.RawIOBase):
    """The bytes that were read as a sample, then the rest of the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._head:
            data = self._rest.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count
