"""The bytes of a feed: unpacked from gzip or zstd, and in UTF-8, without ever being whole in memory."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from catalog.feeds.extras import needs
from visionseek.errors import FeedError

GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"
CHUNK = 256 * 1024


@contextmanager
def unpacked(path: Path, where: str) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its first bytes say gzip or zstd.

    Raises:
        FeedError: the file cannot be read, or is damaged.
        SettingsError: zstd is not installed.
    """
    try:
        with path.open("rb") as raw:
            head = raw.read(4)
            raw.seek(0)
            if head.startswith(GZIP):
                with gzip.GzipFile(fileobj=raw) as stream:
                    yield io.BufferedReader(stream, CHUNK)
            elif head == ZSTD:
                with needs("zstandard", "feeds", "zstd"):
                    import zstandard  # noqa: PLC0415 -- an extra
                try:
                    with zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(
                        raw, read_across_frames=True
                    ) as stream:
                        yield io.BufferedReader(stream, CHUNK)
                except zstandard.ZstdError as error:
                    raise FeedError(f"damaged zstd: {error}", where=where) from error
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FeedError(f"damaged gzip: {error}", where=where, mend="fetch or pack the file again") from error
    except OSError as error:
        raise FeedError(f"not readable: {error.strerror or error}", where=where) from error


def in_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The same text as UTF-8 without a mark; bytes that are not of `encoding` become U+FFFD."""
    if codecs.lookup(encoding).name == "utf-8":
        return stream
    return io.BufferedReader(_Recoded(stream, encoding), CHUNK)


class _Recoded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready and not self._ended:
            data = self._stream.read(CHUNK)
            self._ended = not data
            self._ready = self._decoder.decode(data, final=self._ended).encode("utf-8", "replace")
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count
