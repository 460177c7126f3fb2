"""Pictures that are unusual but good give the right pixels."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from visionseek.pixels import load_image, open_image

RED = (255, 0, 0)


def encode(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    every = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in every
    )
    return b"\x89PNG\r\n\x1a\n" + body


def near(pixels: np.ndarray, colour: tuple[int, int, int], slack: int = 0) -> bool:
    return bool((np.abs(pixels.astype(int) - colour) <= slack).all())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"quality": 90}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_every_format_is_read(kind: str, options: dict[str, Any]) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    assert near(
        load_image(encode(Image.new("RGB", (40, 30), (90, 120, 40)), kind, **options), 16), (90, 120, 40), 4
    )


def _quarters() -> Image.Image:
    """Top left red, top right green, bottom left blue, bottom right white."""
    picture = Image.new("RGB", (60, 40), "white")
    picture.paste((255, 0, 0), (0, 0, 30, 20))
    picture.paste((0, 255, 0), (30, 0, 60, 20))
    picture.paste((0, 0, 255), (0, 20, 30, 40))
    return picture


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_exif_rotated_photo_comes_upright(kind: str, orientation: int) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    upright = _quarters()
    transpose = Image.Transpose
    back = {
        1: None, 2: transpose.FLIP_LEFT_RIGHT, 3: transpose.ROTATE_180, 4: transpose.FLIP_TOP_BOTTOM,
        5: transpose.TRANSPOSE, 6: transpose.ROTATE_90, 7: transpose.TRANSVERSE, 8: transpose.ROTATE_270,
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = upright.transpose(back) if back is not None else upright
    opened = open_image(encode(stored, kind, exif=exif.tobytes() if kind != "TIFF" else exif))
    assert opened.size == (60, 40)
    difference = np.abs(np.asarray(opened).astype(int) - np.asarray(upright).astype(int))
    assert np.median(difference) <= 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # Pillow's remark
def test_a_corrupt_exif_block_costs_the_orientation_only() -> None:
    for rubbish in (
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\x01" * 40,
    ):
        data = encode(Image.new("RGB", (20, 20), (40, 80, 120)), "JPEG", quality=95)
        segment = b"\xff\xe1" + struct.pack(">H", len(rubbish) + 2) + rubbish
        assert near(load_image(data[:2] + segment + data[2:], 8), (40, 80, 120), 4)


def test_a_gray_16_bit_png_is_scaled_and_not_clipped() -> None:
    values = (0, 128 * 257, 65535, 1000)
    rows = b"".join(b"\0" + struct.pack(">H", value) * 4 for value in values)
    opened = np.asarray(open_image(png(4, 4, 16, 0, rows)))
    assert opened[:, 0, 0].tolist() == [0, 128, 255, 4]


def test_a_colour_16_bit_png_is_scaled() -> None:
    rows = (b"\0" + struct.pack(">HHH", 65535, 128 * 257, 0) * 4) * 4
    assert near(load_image(png(4, 4, 16, 2, rows), 4), (255, 128, 0))


def test_a_cmyk_jpeg_as_adobe_writes_it_has_the_right_colours() -> None:
    data = encode(Image.new("RGB", (32, 32), (200, 30, 60)).convert("CMYK"), "JPEG", quality=98)
    assert b"Adobe" in data
    assert near(load_image(data, 8), (200, 30, 60), 4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "YCbCr"])
def test_other_pixel_types_become_rgb(mode: str) -> None:
    picture = Image.new("RGB", (16, 16), "white").convert(mode)
    assert near(load_image(encode(picture, "TIFF" if mode == "YCbCr" else "PNG"), 8), (255, 255, 255), 2)


def _transparent(mode: str) -> bytes:
    """Left half clear with black underneath, right half solid red (or its gray)."""
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    picture.paste((*RED, 255), (16, 0, 32, 32))
    if mode == "P":
        palette = Image.new("P", (32, 32), 0)
        palette.putpalette([0, 0, 0, *RED])
        palette.paste(1, (16, 0, 32, 32))
        return encode(palette, "PNG", transparency=b"\x00\xff")
    if mode == "GIF":
        return encode(picture, "GIF")
    if mode == "RGB":
        flat = Image.new("RGB", (32, 32), (0, 0, 0))
        flat.paste(RED, (16, 0, 32, 32))
        return encode(flat, "PNG", transparency=(0, 0, 0))
    return encode(picture.convert(mode), "WEBP" if mode == "RGBa" else "PNG")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "GIF", "RGB"])
@pytest.mark.parametrize("rule", ["shortest-crop", "pad"])
def test_transparency_is_laid_over_white(mode: str, rule: str) -> None:
    pixels = load_image(_transparent(mode), 32, rule, alpha="over-white")  # type: ignore[arg-type]
    assert near(pixels[:, :12], (255, 255, 255))
    assert near(pixels[:, 20:], (76, 76, 76) if mode == "LA" else RED, 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_the_published_rule_drops_transparency_and_pad_does_not(mode: str) -> None:
    data = _transparent(mode)
    assert near(load_image(data, 32)[:, :12], (0, 0, 0))
    assert near(load_image(data, 32, "pad")[:, :12], (255, 255, 255))
    assert near(np.asarray(open_image(data))[:, :12], (255, 255, 255))


def test_half_transparent_is_half_white() -> None:
    data = encode(Image.new("RGBA", (8, 8), (255, 0, 0, 128)), "PNG")
    assert near(load_image(data, 8, alpha="over-white"), (255, 127, 127), 1)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_the_first_frame_of_an_animation_is_used(kind: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=50, **options)
    assert near(load_image(data, 8), RED, 1)


def test_a_picture_of_one_pixel_fills_the_square() -> None:
    assert near(load_image(encode(Image.new("RGB", (1, 1), (7, 8, 9)), "PNG"), 224), (7, 8, 9))
