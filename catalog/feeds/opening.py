"""A feed, wherever it lies: opened, its format recognised, read as a stream of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from catalog.drafts import Row
from catalog.feeds.delimited import read_delimited
from catalog.locations import Base
from visionseek.errors import FeedError


@dataclass(frozen=True)
class Feed:
    """A feed in a local file.

    Attributes:
        path: the file.
        name: what it is called in reports: the path or address that was given.
        base: what its relative links are relative to.
        format: csv, tsv.
        encoding: of its text, None to find out.
    """

    path: Path
    name: str
    base: Base
    format: str = "csv"
    encoding: str | None = None

    def rows(self) -> Iterator[Row]:
        """All rows, from the first, streaming.

        Raises:
            FeedError: it cannot be read.
        """
        delimiter = "\t" if self.format == "tsv" else None
        with self.path.open("rb") as stream:
            yield from read_delimited(stream, self.name, delimiter=delimiter, encoding=self.encoding)

    def columns(self) -> list[str]:
        """The columns of its first row."""
        return list(next(self.rows(), Row(0, {})).fields)

    def fingerprint(self, mapping: str) -> str:
        """Content and mapping: an interrupted import goes on only over the same bytes, read the same way."""
        with self.path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256")
        digest.update(mapping.encode())
        return digest.hexdigest()


def open_feed(location: str, *, encoding: str | None = None) -> Feed:
    """Open the feed at a path.

    Raises:
        FeedError: there is no such file.
    """
    path = Path(location)
    if not path.is_file():
        raise FeedError("there is no such feed", where=location, mend="give the path of a file")
    return Feed(
        path, location, Base(folder=path.parent.absolute()), path.suffix.lstrip(".").lower(), encoding
    )
