"""A feed in a local file: its format recognised by its content, read as a stream of rows."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from shutil import copyfileobj
from typing import BinaryIO, Literal, get_args

from catalog.drafts import BROKEN, Row
from catalog.feeds.delimited import guess_encoding, read_delimited
from catalog.feeds.json_feeds import read_json, read_json_lines
from catalog.feeds.parquet import read_parquet
from catalog.feeds.shopify import is_shopify, read_shopify
from catalog.feeds.streams import PARQUET, in_utf8, unpacked
from catalog.feeds.xml_feed import read_xml
from catalog.locations import Base
from visionseek.errors import FeedError

Format = Literal["csv", "tsv", "shopify", "json", "jsonl", "xml", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
SAMPLE = 64 * 1024
_BEFORE = b"\xef\xbb\xbf\xff\xfe \t\r\n"  # byte order marks and empty lines
_NO_FEEDS = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"%PDF": "a PDF",
}
LOOKED_AT = 200  # rows whose columns are looked at: JSON and XML leave out what is empty


@dataclass(frozen=True)
class Feed:
    """A feed in a local file.

    Attributes:
        path: the file.
        name: what it is called in reports: the path or address that was given.
        base: what its relative links are relative to.
        format: how it is read.
        encoding: of its text, None to find out.
    """

    path: Path
    name: str
    base: Base
    format: Format
    encoding: str | None = None

    def rows(self) -> Iterator[Row]:
        """All rows, from the first, streaming.

        Raises:
            FeedError: it cannot be read, or not further than this.
            SettingsError: its format needs a library that is not installed.
        """
        if self.format == "parquet":
            yield from self._parquet()
            return
        try:
            with unpacked(self.path, self.name) as stream:
                yield from self._text(stream)
        except UnicodeError as error:
            raise FeedError(
                f"not a text in this encoding: {error}", where=self.name, mend="say it with --encoding"
            ) from error

    def columns(self) -> list[str]:
        """The columns of its first rows, in order."""
        names: dict[str, None] = {}
        for row in islice(self.rows(), LOOKED_AT):
            names.update(dict.fromkeys(row.fields))
        names.pop(BROKEN, None)
        return list(names)

    def fingerprint(self, mapping: str) -> str:
        """Content and mapping: an interrupted import goes on only over the same bytes, read the same way."""
        with self.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
        digest.update(f"{mapping}\0{self.format}\0{self.encoding}".encode())
        return digest.hexdigest()

    def _text(self, stream: BinaryIO) -> Iterator[Row]:
        match self.format:
            case "xml":
                return read_xml(stream, self.name, encoding=self.encoding)
            case "json":
                return read_json(self._in_utf8(stream), self.name)
            case "jsonl":
                return read_json_lines(self._in_utf8(stream), self.name)
            case "tsv":
                return read_delimited(stream, self.name, delimiter="\t", encoding=self.encoding)
        rows = read_delimited(stream, self.name, encoding=self.encoding)
        if self.format == "shopify":
            return read_shopify(rows)
        first = list(islice(rows, 1))
        rows = chain(first, rows)
        return read_shopify(rows) if first and is_shopify(first[0].fields) else rows

    def _in_utf8(self, stream: BinaryIO) -> BinaryIO:
        with unpacked(self.path, self.name) as again:
            sample = again.read(SAMPLE)
        return in_utf8(stream, self.encoding or guess_encoding(sample, self.name))

    def _parquet(self) -> Iterator[Row]:
        with self.path.open("rb") as stream:
            plain = stream.read(4) == PARQUET
        if plain:
            yield from read_parquet(self.path, self.name)
            return
        # Parquet is read from its end, so a packed one has to be unpacked to a file first.
        with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
            with unpacked(self.path, self.name) as stream:
                copyfileobj(stream, file)
            file.flush()
            yield from read_parquet(Path(file.name), self.name)


def open_feed(
    path: Path | str,
    *,
    name: str | None = None,
    base: Base | None = None,
    format: Format | None = None,  # noqa: A002 -- the command's word
    encoding: str | None = None,
) -> Feed:
    """Open the feed in a file.

    Args:
        path: the file; packed with gzip or zstd or not.
        name: what reports call it; the path when None.
        base: of its relative links; the file's folder when None.
        format: recognised by the content when None.
        encoding: of its text; found out when None.

    Raises:
        FeedError: there is no such file, or it is empty.
        SettingsError: it is packed with zstd, which is not installed.
    """
    name, path = name or str(path), Path(path)
    if not path.is_file():
        raise FeedError(
            "there is no such feed", where=name, mend="give a file, an https:// or an s3:// address"
        )
    if encoding is not None:
        _check_encoding(encoding)
    with unpacked(path, name) as stream:
        sample = stream.read(SAMPLE)
    if not sample.strip():
        raise FeedError("the feed is empty", where=name)
    return Feed(
        path, name, base or Base(folder=path.parent.absolute()), format or _recognise(sample, name), encoding
    )


def _recognise(sample: bytes, where: str) -> Format:
    if sample.startswith(PARQUET):
        return "parquet"
    start = sample[:4096].replace(b"\0", b"").lstrip(_BEFORE)
    if start.startswith(b"<"):
        return "xml"
    if start.startswith(b"["):
        return "json"
    if start.startswith(b"{"):
        return "jsonl" if _is_lines(sample.replace(b"\0", b"").lstrip(_BEFORE), where) else "json"
    for magic, kind in _NO_FEEDS.items():
        if sample.startswith(magic):
            raise FeedError(f"{kind} is no feed", where=where, mend="unpack it, or save it as CSV")
    return "csv"


def _is_lines(text: bytes, where: str) -> bool:
    """Whether a text that begins with `{` is JSON Lines: by its name, or an object in a line and then more."""
    if re.search(r"\.(?:jsonl|ndjson)(?:\.(?:gz|zst))?$", where, re.IGNORECASE):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and any(map(_is_object, lines[:3]))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _check_encoding(encoding: str) -> None:
    try:
        "".encode(encoding)
    except LookupError as error:
        raise FeedError(
            f"unknown encoding {encoding!r}", where="--encoding", mend="such as utf-8, cp1252, utf-16"
        ) from error
