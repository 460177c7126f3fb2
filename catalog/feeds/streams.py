"""The bytes of a feed: unpacked from gzip or zstd, and in UTF-8, without ever being whole in memory."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

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
                    yield io.BufferedReader(_Zstd(raw), CHUNK)
                except zstandard.ZstdError as error:
                    raise FeedError(f"damaged zstd: {error}", where=where) from error
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FeedError(
            f"a damaged archive: {error}", where=where, mend="fetch or pack the file again"
        ) from error
    except OSError as error:
        raise FeedError(f"not readable: {error.strerror or error}", where=where) from error


class _Zstd(io.RawIOBase):
    """The frames of a zstd file, one after the other; one that is cut off is an error, not an end."""

    # A block of four bytes can stand for 128 KiB: so much packed text is at most 32 MiB at once.
    PACKED = 1_024

    def __init__(self, raw: BinaryIO) -> None:
        import zstandard  # noqa: PLC0415 -- an extra; `unpacked` has said where it comes from

        self._raw = raw
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=2**27)
        self._frame: Any = None
        self._left = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            packed = self._left or self._raw.read(self.PACKED)
            if not packed:
                if self._frame is not None:
                    raise EOFError("it ends within a frame")
                return 0
            self._frame = self._frame or self._unpacker.decompressobj()
            self._ready = self._frame.decompress(packed)
            self._left = b""
            if self._frame.eof:
                self._left, self._frame = self._frame.unused_data, None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def in_utf8(stream: BinaryIO, encoding: str) -> BinaryIO:
    """The same text as UTF-8 without a mark; bytes that are not of `encoding` become U+FFFD.

    Raises:
        LookupError: no encoding of texts has this name.
    """
    "".encode(encoding)  # Python's codecs also pack and escape
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


class Rejoined(io.RawIOBase):
    """The bytes that were read as a sample, then the rest of the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        """Put `head` back before `rest`."""
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """The next bytes."""
        if not self._head:
            data = self._rest.read(len(buffer))
            buffer[: len(data)] = data
            return len(data)
        count = min(len(buffer), len(self._head))
        buffer[:count] = self._head[:count]
        self._head = self._head[count:]
        return count
