"""Pictures that are broken, odd or hostile: a right result, or a problem that names the limit."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.unit.api.conftest import Running, draw, jpeg, saved


@pytest.fixture(autouse=True)
def the_server_lives_on(api: Running) -> Iterator[None]:
    yield
    assert api.works()


def problem(response: httpx.Response, status: int, name: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["type"] == f"urn:visionseek:problem:{name}"
    assert body["title"]
    assert body["detail"]
    assert "Traceback" not in response.text
    return body


def first(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return str(response.json()["hits"][0]["product_id"])


def test_an_empty_raw_body(api: Running) -> None:
    response = api.http.post("/v1/search", content=b"", headers={"content-type": "image/jpeg"})
    assert "empty" in problem(response, 422, "invalid-input")["detail"]


def test_an_empty_file(api: Running) -> None:
    assert "no picture" in problem(api.search(b""), 422, "invalid-input")["detail"]


def test_text_as_image(api: Running) -> None:
    body = problem(api.search(b"I am a ring, believe me"), 415, "unsupported-image")
    assert "looks like text" in body["detail"]
    assert "JPEG" in body["mend"]


def test_html_as_jpeg(api: Running) -> None:
    response = api.http.post(
        "/v1/search", content=b"<!DOCTYPE html><html>", headers={"content-type": "image/jpeg"}
    )
    assert "HTML" in problem(response, 415, "unsupported-image")["detail"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_jpeg(api: Running, share: float) -> None:
    whole = jpeg(draw(4))
    body = problem(api.search(whole[: int(len(whole) * share)]), 422, "image-rejected")
    assert "truncated" in body["detail"]


def test_a_picture_of_one_pixel(api: Running) -> None:
    body = problem(api.search(saved(Image.new("RGB", (1, 1)), "PNG")), 422, "image-rejected")
    assert "1 x 1" in body["detail"]
    assert body["limit"] == {"min_side": 8}


def png(width: int, height: int, bits: int, kind: int, rows: bytes, *extra: bytes) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def test_a_png_of_200_megapixels_in_a_few_kilobytes(api: Running) -> None:
    bomb = png(20_000, 10_000, 1, 0, bytes(2_501 * 10_000))
    assert len(bomb) < 200_000
    body = problem(api.search(bomb), 413, "image-too-large")
    assert "200,000,000" in body["detail"]
    assert body["limit"]["max_image_pixels"] == 50_000_000


def test_a_png_whose_header_lies_about_its_size(api: Running) -> None:
    problem(api.search(png(4_000, 4_000, 8, 2, bytes(100))), 422, "image-rejected")


def test_an_animated_gif_is_searched_by_its_first_frame(api: Running) -> None:
    frames = [draw(n) for n in (13, 1, 2)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=80)
    assert first(api.search(gif)) == "ring-13"


def test_an_animation_of_too_many_frames(api: Running) -> None:
    frames = [Image.new("RGB", (16, 16), (n % 256, n // 2, 0)) for n in range(260)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    body = problem(api.search(gif), 413, "image-too-large")
    assert body["limit"]["max_image_frames"] == 200
    assert "200" in body["detail"]


def test_a_cmyk_jpeg(api: Running) -> None:
    assert first(api.search(saved(draw(13).convert("CMYK"), "JPEG", quality=95))) == "ring-13"


def test_a_png_of_16_bits(api: Running) -> None:
    grey = np.asarray(draw(13).convert("L")).astype(np.uint16) * 257
    wide = api.search(saved(Image.fromarray(grey), "PNG")).json()
    narrow = api.search(saved(draw(13).convert("L"), "PNG")).json()
    assert [hit["product_id"] for hit in wide["hits"]] == [hit["product_id"] for hit in narrow["hits"]]
    assert wide["hits"][0]["score"] == pytest.approx(narrow["hits"][0]["score"], abs=1e-3)


def test_a_palette_with_alpha_lies_on_white(api: Running) -> None:
    picture = draw(13).convert("RGBA")
    pixels = np.array(picture)
    pixels[(pixels[..., :3] > 240).all(-1)] = (0, 0, 0, 0)  # black under the transparent paper
    palette = Image.fromarray(pixels).quantize(64)
    assert palette.mode == "P"
    assert first(api.search(saved(palette, "PNG"))) == "ring-13"


def test_a_photo_that_exif_rotates(api: Running) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8  # turn it by 90 degrees counter-clockwise to see it upright
    photo = jpeg(draw(13).transpose(Image.Transpose.ROTATE_270), exif=exif)
    assert first(api.search(photo)) == "ring-13"


@pytest.mark.parametrize("kind", ["WEBP", "BMP", "TIFF"])
def test_other_formats(api: Running, kind: str) -> None:
    assert first(api.search(saved(draw(13), kind))) == "ring-13"


def test_a_bad_picture_is_counted(api: Running) -> None:
    def count() -> float:
        lines = api.http.get("/metrics").text.splitlines()
        name = 'visionseek_pictures_refused_total{reason="unsupported-image"}'
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))

    before = count()
    api.search(b"no picture")
    assert count() == before + 1
