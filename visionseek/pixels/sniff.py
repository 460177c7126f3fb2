"""What a header says, read without any decoder: the format, and how many frames follow.

Decoders of animations allocate the whole canvas on opening, and counting frames through them walks the file
to its end; both are done here by hand, so that a hostile file is refused first.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from visionseek.errors import UnsupportedImage

FORMATS = ("JPEG", "PNG", "WebP", "GIF", "AVIF", "BMP", "TIFF")
"""The formats that are read. Each is what shops and phones send; every other decoder stays shut."""

_MAGIC = {
    "JPEG": re.compile(rb"\xff\xd8\xff"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "WebP": re.compile(rb"RIFF....WEBP", re.DOTALL),
    "GIF": re.compile(rb"GIF8[79]a"),
    "AVIF": re.compile(rb"....ftyp(?:(?:mif1|msf1).{0,44}?)?avi[fs]", re.DOTALL),
    "BMP": re.compile(rb"BM.{24}", re.DOTALL),
    "TIFF": re.compile(rb"II\*\x00|MM\x00\*"),
}
_TIFF_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_LOOKS_LIKE = (
    (b"PK\x03\x04", "a ZIP archive"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip file"),
    (b"<svg", "an SVG drawing"),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
    (b"{", "JSON text"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"8BPS", "a Photoshop file"),
    (b"%!PS", "a PostScript file"),
)


def sniff(data: bytes, where: str | None = None) -> str:
    """Return which of `FORMATS` the bytes are, by their first bytes and never by a name.

    Raises:
        UnsupportedImage: empty, or none of them; the message says what it looks like.
    """
    for kind, pattern in _MAGIC.items():
        if pattern.match(data):
            return kind
    raise UnsupportedImage(
        f"not a picture that can be read: {_describe(data)}", where=where, mend=f"send {', '.join(FORMATS)}"
    )


def _describe(data: bytes) -> str:
    if not data:
        return "it is empty"
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, name in _LOOKS_LIKE:
        if start.startswith(magic.lower()):
            return f"it looks like {name}"
    if data[4:8] == b"ftyp":
        brand = data[8:12].decode("latin-1")
        return (
            f"it looks like {'a HEIC photo' if brand in ('heic', 'heix', 'mif1') else 'a video'} ({brand!r})"
        )
    if all(32 <= byte < 127 or byte in b"\t\n\r" for byte in data[:64]):
        return "it looks like text"
    return f"unknown first bytes {data[:8].hex(' ')}"


def webp_canvas(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP's canvas (RFC 9649, 2.4 to 2.7); (0, 0) where the header is broken."""
    kind, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 0, 0
    if kind == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def count_frames(data: bytes, kind: str, stop: int) -> int:
    """Count the frames, pages for TIFF, of a picture of format `kind`; counting ends at `stop`.

    A broken structure ends the count; the decoder will say what is wrong with it.
    """
    walkers = {"GIF": _gif_frames, "PNG": _png_frames, "WebP": _webp_frames, "TIFF": _tiff_pages}
    if kind not in walkers:
        return 1
    count = 0
    try:
        for number in walkers[kind](data):
            count += number
            if count >= stop:
                break
    except (IndexError, struct.error):
        pass
    return max(count, 1)


def _gif_frames(data: bytes) -> Iterator[int]:
    at = 13 + _gif_table(data[10])
    while True:
        mark = data[at]
        if mark == 0x2C:  # image descriptor, then the code size of its data
            yield 1
            at += 11 + _gif_table(data[at + 9])
        elif mark == 0x21:  # extension, then its label
            at += 2
        else:  # trailer or rubbish
            return
        while data[at]:
            at += 1 + data[at]
        at += 1


def _gif_table(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _png_frames(data: bytes) -> Iterator[int]:
    at = 8
    while data[at + 4 : at + 8] not in (b"IDAT", b"IEND", b""):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == b"acTL":  # its first field is the number of frames
            yield int(struct.unpack_from(">I", data, at + 8)[0])
        at += 12 + length


def _webp_frames(data: bytes) -> Iterator[int]:
    at = 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        if data[at : at + 4] == b"ANMF":
            yield 1
        at += 8 + length + length % 2


def _tiff_pages(data: bytes) -> Iterator[int]:
    order = _TIFF_ORDERS[data[:4]]
    (at,) = struct.unpack_from(order + "I", data, 4)
    while at:
        yield 1
        (entries,) = struct.unpack_from(order + "H", data, at)
        (at,) = struct.unpack_from(order + "I", data, at + 2 + 12 * entries)
