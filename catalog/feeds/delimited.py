"""CSV and TSV, any encoding, quoted newlines, streaming."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

from charset_normalizer import from_bytes

from catalog.drafts import BROKEN, Row, new
from catalog.feeds.streams import Rejoined
from visionseek.errors import FeedError

SAMPLE = 256 * 1024
LEAST_SAMPLE = 64 * 1024  # a shorter one is the whole text
LONGEST_FIELD = 1_000_000
LONGEST_LINE = 64_000_000  # bytes; a few of gzip can stand for a line without end
MOST_NULS = 0.1  # of the bytes of a text: exports of old systems have some
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
_BEYOND = re.compile(rb"[\x80-\xff]+")
_QUOTED = re.compile(r'"[^"]*"')
_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?\s*', re.IGNORECASE)


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
    whole = io.BufferedReader(Rejoined(sample, buffered), SAMPLE)
    joined = io.BufferedReader(_Lines(whole, where), SAMPLE)
    csv.field_size_limit(LONGEST_FIELD)
    with io.TextIOWrapper(joined, encoding, errors="replace", newline="") as text:
        skipped, first, told = _header_line(text, where)
        delimiter = delimiter or told or max(DELIMITERS, key=_QUOTED.sub("", first).count)
        reader = csv.reader(chain((first,), text), delimiter=delimiter)
        try:
            columns = _columns(next(reader), where)
        except csv.Error as error:
            raise FeedError(f"the header is not readable as CSV: {error}", where=where) from error
        yield from _rows(reader, columns, skipped)


def guess_encoding(sample: bytes, where: str) -> str:
    """The encoding of a text by its first bytes: its mark, UTF-8 where it is valid, else the likeliest.

    Raises:
        FeedError: these are no bytes of a text.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    try:  # the end of a full sample may cut a letter in two
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=len(sample) < LEAST_SAMPLE)
    except UnicodeDecodeError:
        return _guess_old_encoding(sample, where)
    if sample.count(0) > len(sample) * MOST_NULS:
        return _guess_old_encoding(sample, where)
    return "utf-8"


def _guess_old_encoding(sample: bytes, where: str) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > len(sample) // 5:  # Western text in UTF-16 without a mark: every other byte is zero
        return "utf-16-be" if even > odd else "utf-16-le"
    nuls = sample.count(0)
    best = None
    if nuls <= len(sample) * MOST_NULS:
        text = sample.replace(b"\0", b"")
        if _is_western(text):
            return "cp1252"
        best = from_bytes(text[:16384], cp_isolation=OLD_ENCODINGS).best()
    if best is None:
        raise FeedError(
            "this is not a text",
            where=where,
            mend="say the format with --format, or the encoding with --encoding",
        )
    # Of the single-byte code pages that explain a Western text equally well, Windows' is what exports use.
    return "cp1252" if best.encoding in {"cp1250", "cp1252", "cp1254", "mac_roman"} else best.encoding


def _is_western(sample: bytes) -> bool:
    """Whether most letters beyond ASCII stand alone between ASCII ones, as in no other script's encoding.

    A few accented letters are too little for statistics, and valid in many encodings.
    """
    runs: list[bytes] = _BEYOND.findall(sample)
    alone = sum(len(run) == 1 and run[0] >= 0xA0 for run in runs)
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return 2 * alone > len(runs)


def _header_line(text: io.TextIOWrapper, where: str) -> tuple[int, str, str | None]:
    """How many lines stand before the header, the header, and the delimiter where Excel's `sep=;` names it."""
    told = None
    try:
        for number in range(100):
            line = text.readline(LONGEST_FIELD)
            separator = _SEPARATOR.fullmatch(line) if told is None else None
            if separator:
                told = separator.group(1)
            elif line.strip():
                return number, line, told
            elif not line:
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


def _rows(reader: Iterator[list[str]], columns: list[str], skipped: int) -> Iterator[Row]:
    width, repeated = len(columns), len(set(columns)) < len(columns)
    line = skipped + reader.line_num + 1  # type: ignore[attr-defined]  # csv.reader has it; typeshed's Iterator has not
    while True:
        try:
            for cells in reader:
                if len(cells) > width and any(cells[width:]):
                    yield Row(line, {BROKEN: f"{len(cells)} cells, but the header names {width} columns"})
                elif repeated and cells:
                    yield Row(line, _joined(columns, cells))
                elif cells:
                    yield new(Row, (line, dict(zip(columns, cells))))  # noqa: B905 -- a short row leaves its last columns empty
                line = skipped + reader.line_num + 1  # type: ignore[attr-defined]
        except csv.Error as error:
            yield Row(line, {BROKEN: f"not readable as CSV: {error}"})
            line = skipped + reader.line_num + 1  # type: ignore[attr-defined]
        else:
            return


def _joined(columns: list[str], cells: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for column, cell in zip(columns, cells):  # noqa: B905
        fields[column] = (
            f"{fields[column]}\n{cell}" if fields.get(column) and cell else fields.get(column) or cell
        )
    return fields


class _Lines(io.RawIOBase):
    """The bytes of a text, refused where a line is longer than any memory should hold."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream = stream
        self._where = where
        self._length = 0  # of the last line so far

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._length = len(data) - end if end >= 0 else self._length + len(data)
        if self._length > LONGEST_LINE:
            raise FeedError(f"a line of more than {LONGEST_LINE:,} bytes", where=self._where)
        buffer[: len(data)] = data
        return len(data)
