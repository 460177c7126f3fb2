"""How large a picture may be, and reading no more of a source than that."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

from visionseek.errors import ImageRejected, ImageTooLarge, NotFound

Source: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO
"""A picture's bytes, the path of its file, or a binary stream."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What is refused before anything is decoded.

    Decoding takes at most about 16 bytes of memory for each pixel allowed.

    Attributes:
        max_bytes: size of the file.
        max_pixels: width times height of a frame, as the header says.
        max_frames: frames of an animation or pages of a TIFF; only the first is ever decoded.
    """

    max_bytes: int = 20_000_000
    max_pixels: int = 50_000_000
    max_frames: int = 200

    def __post_init__(self) -> None:
        """Refuse limits below one (ValueError)."""
        if min(self.max_bytes, self.max_pixels, self.max_frames) < 1:
            raise ValueError(f"every limit must be at least 1: {self}")


def read_source(source: Source, limits: ImageLimits) -> tuple[bytes, str | None]:
    """Return the bytes of `source` and the name of the file, where there is one.

    Raises:
        NotFound: no such file.
        ImageTooLarge: more than `limits.max_bytes`; a stream is read no further than that.
        ImageRejected: a path that is no readable file.
        TypeError: `source` is nothing of what it may be.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        size = source.nbytes if isinstance(source, memoryview) else len(source)
        _check_bytes(size, limits, None)
        return bytes(source), None
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            _check_bytes(path.stat().st_size, limits, str(path))
            with path.open("rb") as stream:
                return _read(stream, limits, str(path)), str(path)
        except FileNotFoundError as error:
            raise NotFound("no such picture", where=str(path)) from error
        except OSError as error:
            raise ImageRejected(f"not a readable file ({error.strerror})", where=str(path)) from error
        except ValueError as error:  # a path with a NUL in it
            raise NotFound(f"no such picture ({error})", where=repr(source)) from error
    if not hasattr(source, "read"):
        raise TypeError(
            f"a picture is given as bytes, path or binary stream, not {type(source).__name__}; "
            "what is decoded already goes to `square`"
        )
    return _read(source, limits, None), None


def _read(stream: BinaryIO, limits: ImageLimits, where: str | None) -> bytes:
    data = stream.read(limits.max_bytes + 1)
    if not isinstance(data, bytes):
        raise TypeError(f"a stream of a picture must give bytes, not {type(data).__name__}")
    _check_bytes(len(data), limits, where)
    return data


def _check_bytes(size: int, limits: ImageLimits, where: str | None) -> None:
    if size > limits.max_bytes:
        # A stream is not read to its end, so its size is only known to be above the limit.
        raise ImageTooLarge(
            f"picture of {size:,} bytes or more is above the limit max_bytes = {limits.max_bytes:,}",
            where=where,
        )
