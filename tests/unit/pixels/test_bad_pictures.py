"""Whatever a stranger sends gets right pixels or an error of the ImageRejected family, in bounded memory."""

import contextlib
import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visionseek.errors import ImageRejected, ImageTooLarge, NotFound, UnsupportedImage
from visionseek.pixels import ImageLimits, load_image

ROOT = Path(__file__).parents[3]
SMALL = ROOT / "tests" / "assets" / "jina_clip" / "v1_a" / "images" / "small.png"


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, *chunks: bytes, rows: bytes = b"\0" * 64) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"this is a picture, honest", "text"),
        (b"PK\x03\x04" + b"\0" * 60, "ZIP"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\xef\xbb\xbf\n <!DOCTYPE html><html></html>", "HTML"),
        (b'<?xml version="1.0"?><svg/>', "XML"),
        (b'{"image": "..."}', "JSON"),
        (b"%PDF-1.7\n" + b"\0" * 40, "PDF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isom", "video"),
        (b"\x00\x01\x02\x03" * 10, "unknown first bytes"),
        (b"8BPS\0\1", "Photoshop"),
        (b"\0\0\1\0\1\0\x10\x10", "unknown"),
        (b"P6 2 2 255\n" + b"\0" * 12, "unknown"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, says: str) -> None:
    with pytest.raises(UnsupportedImage, match=says):
        load_image(data, 32)


@pytest.mark.parametrize("source", [None, 5, Image.new("RGB", (2, 2)), io.StringIO("text")])
def test_what_is_no_source_is_a_type_error(source: Any) -> None:
    with pytest.raises(TypeError, match="picture"):
        load_image(source, 8)


def test_a_path_that_cannot_be_is_not_found() -> None:
    with pytest.raises(NotFound, match="no such picture"):
        load_image("ring\x00.jpg", 8)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no-such\.jpg"):
        load_image(tmp_path / "no-such.jpg", 32)
    with pytest.raises(ImageRejected, match="not a readable file"):
        load_image(tmp_path, 32)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_truncated_file_is_rejected_at_every_length(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    for part in (0.02, 0.1, 0.3, 0.6, 0.9):
        with pytest.raises(ImageRejected):
            load_image(data[: int(len(data) * part)], 32)


def test_the_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ring.jpg"
    path.write_bytes(encode(Image.new("RGB", (64, 64), "red"), "JPEG")[:400])
    with pytest.raises(ImageRejected, match=r"ring\.jpg.*JPEG"):
        load_image(path, 32)


class _Endless(io.RawIOBase):
    def __init__(self) -> None:
        self.given = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "an unbounded read"
        self.given += size
        return b"\xff" * size


def test_bytes_above_the_limit_are_refused_with_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "big.jpg"
    with path.open("wb") as stream:
        stream.truncate(50_000_000)
    for source in (path, bytes(50_000_000)):
        with pytest.raises(ImageTooLarge, match=r"50,000,000 bytes.*max_bytes = 20,000,000"):
            load_image(source, 32)


def test_a_stream_is_read_no_further_than_the_limit() -> None:
    stream = _Endless()
    with pytest.raises(ImageTooLarge, match="max_bytes = 1,000"):
        load_image(stream, 32, limits=ImageLimits(max_bytes=1_000))  # type: ignore[arg-type]
    assert stream.given == 1_001


def _webp_header(width: int, height: int) -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0"
    body += (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


BOMBS = {
    "png": png_of(20_000, 10_000),
    "gif": b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + b"\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "bmp": b"BM" + struct.pack("<IHHIIiiHHI", 60, 0, 0, 54, 40, 20_000, 20_000, 1, 24, 0) + bytes(20),
    "webp": _webp_header(16_000, 16_000),
    "webp16m": _webp_header(1 << 24, 1 << 24),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_pixels_above_the_limit_are_refused_from_the_header(name: str) -> None:
    with pytest.raises(ImageTooLarge, match=r"pixels is above the limit max_pixels = 50,000,000"):
        load_image(BOMBS[name], 32)


def test_the_limit_of_pixels_is_inclusive() -> None:
    data = encode(Image.new("RGB", (10, 10)), "PNG")
    assert load_image(data, 4, limits=ImageLimits(max_pixels=100)).shape == (4, 4, 3)
    with pytest.raises(ImageTooLarge, match="max_pixels = 99"):
        load_image(data, 4, limits=ImageLimits(max_pixels=99))


def _animation(kind: str, frames: int) -> bytes:
    if kind == "GIF":
        frame = b",\0\0\0\0\1\0\1\0\0\2\2D\1\0"
        return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"
    if kind == "APNG":
        return png_of(1, 1, chunk(b"acTL", struct.pack(">II", frames, 0)), rows=b"\0\1\2\3")
    if kind == "TIFF":
        page = struct.pack("<H", 0)
        pages = b"".join(page + struct.pack("<I", 8 + 6 * (i + 1)) for i in range(frames - 1))
        return b"II*\0" + struct.pack("<I", 8) + pages + page + struct.pack("<I", 0)
    head = _webp_header(10, 10)
    return head + (b"ANMF" + struct.pack("<I", 24) + b"\0" * 24) * frames


@pytest.mark.parametrize("kind", ["GIF", "APNG", "WebP", "TIFF"])
def test_thousands_of_frames_are_refused_quickly(kind: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ImageTooLarge, match="max_frames = 200"):
        load_image(_animation(kind, 300_000), 32)
    assert time.perf_counter() - started < 2.0


def test_an_animation_at_the_limit_of_frames_is_read() -> None:
    assert load_image(_animation("GIF", 200), 8).shape == (8, 8, 3)
    with pytest.raises(ImageTooLarge, match=r"201 frames.*max_frames = 200"):
        load_image(_animation("GIF", 201), 8)


def test_pages_of_a_tiff_in_a_circle_end() -> None:
    with pytest.raises(ImageTooLarge, match="max_frames"):
        load_image(b"II*\0" + struct.pack("<IHI", 8, 0, 8), 32)


def test_a_png_with_a_huge_text_chunk_is_refused_and_a_large_one_is_read() -> None:
    rows = (b"\0" + b"\x10\x20\x30" * 4) * 4
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"A" * 30_000_000))
    with pytest.raises(ImageTooLarge, match=r"text above the limit of 1,048,576 bytes"):
        load_image(png_of(4, 4, bomb, rows=rows), 4)
    plain = chunk(b"tEXt", b"Comment\0" + b"A" * 5_000_000)
    assert (load_image(png_of(4, 4, plain, rows=rows), 4) == (0x10, 0x20, 0x30)).all()


def test_pixel_types_that_have_no_range_are_refused() -> None:
    with pytest.raises(UnsupportedImage, match="'F'"):
        load_image(encode(Image.new("F", (4, 4), 0.5), "TIFF"), 4)


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ImageLimits(max_frames=0)


@pytest.mark.filterwarnings("ignore")  # Pillow remarks on what it repairs
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_damaged_bytes_never_raise_anything_else(kind: str) -> None:
    rng = np.random.default_rng(7)
    picture = Image.fromarray(rng.integers(0, 256, (24, 24, 3), dtype=np.uint8))
    good = bytearray(encode(picture, kind))
    limits = ImageLimits(max_pixels=1_000_000)
    for _ in range(150):
        bad = bytearray(good)
        for at in rng.integers(0, len(bad) if rng.random() < 0.5 else min(len(bad), 120), rng.integers(1, 8)):
            bad[at] = rng.integers(0, 256)
        with contextlib.suppress(ImageRejected):
            assert load_image(bytes(bad), 16, limits=limits).shape == (16, 16, 3)


_BOUNDED = """
import pathlib, resource, sys
from visionseek.errors import ImageRejected
from visionseek.pixels import load_image
load_image(pathlib.Path(sys.argv[1]), 224)  # everything is imported and allocated once
now = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 64_000_000, now + 64_000_000))
for path in sys.argv[2:]:
    try:
        load_image(pathlib.Path(path), 224)
        print("read")
    except ImageRejected as error:
        print(type(error).__name__)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux's /proc")
def test_memory_stays_bounded(tmp_path: Path) -> None:
    texts = [chunk(b"zTXt", b"c\0\0" + zlib.compress(b"A" * 1_000_000)) for _ in range(200)]
    cases = {**BOMBS, "texts": png_of(4, 4, *texts), "thin": encode(Image.new("RGB", (1, 50_000)), "PNG")}
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", _BOUNDED, str(SMALL), *(str(tmp_path / name) for name in cases)],
        capture_output=True,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    outcomes = dict(zip(cases, done.stdout.split(), strict=True))
    assert outcomes == {**dict.fromkeys(cases, "ImageTooLarge"), "thin": "read"}
