"""Bodies that are too large, lie about their length, trickle, or end in the middle."""

import asyncio
import socket
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx
import pytest

from api import uploads
from api.limits import Permits
from tests.unit.api.conftest import Running, draw, jpeg
from tests.unit.api.test_bad_pictures import problem

MEGABYTE = 1_000_000


@pytest.fixture(autouse=True)
def the_server_lives_on(api: Running) -> Iterator[None]:
    yield
    assert api.works()


def pieces(megabytes: int) -> Iterator[bytes]:
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


def test_50_megabytes_as_a_form(api: Running) -> None:
    body = problem(api.search(bytes(50 * MEGABYTE)), 413, "image-too-large")
    assert body["limit"] == {"max_image_bytes": 20_000_000}
    assert "20,000,000 bytes" in body["detail"]


def test_50_megabytes_raw(api: Running) -> None:
    response = api.http.post(
        "/v1/search", content=bytes(50 * MEGABYTE), headers={"content-type": "image/png"}
    )
    problem(response, 413, "image-too-large")


def test_50_megabytes_in_chunks_of_unknown_number(api: Running) -> None:
    response = api.http.post("/v1/search", content=pieces(50), headers={"content-type": "image/png"})
    assert response.request.headers["transfer-encoding"] == "chunked"
    problem(response, 413, "image-too-large")


def test_too_much_base64(api: Running) -> None:
    response = api.http.post("/v1/search", json={"image_base64": "A" * 30 * MEGABYTE})
    problem(response, 413, "image-too-large")


def test_a_form_whose_file_is_just_too_large_but_whose_body_is_not(api: Running) -> None:
    problem(api.search(bytes(20 * MEGABYTE + 1)), 413, "image-too-large")


class Arriving:
    """An ASGI request that counts how many of its pieces were asked for."""

    def __init__(self, content_length: int | None, pieces: int) -> None:
        self.scope: dict[str, Any] = {
            "type": "http", "method": "POST", "path": "/v1/search", "raw_path": b"/v1/search",
            "root_path": "", "scheme": "http", "query_string": b"", "http_version": "1.1",
            "server": ("test", 80),
            "client": ("test", 1), "asgi": {"version": "3.0"},
            "headers": [(b"content-type", b"image/jpeg")]
            + ([(b"content-length", str(content_length).encode())] if content_length else []),
        }  # fmt: skip
        self.left = pieces
        self.taken = 0
        self.taken_at_answer: int | None = None
        self.status = 0

    async def receive(self) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.taken += 1
        self.left -= 1
        return {"type": "http.request", "body": bytes(MEGABYTE), "more_body": self.left > 0}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.taken_at_answer = message["status"], self.taken


def arrive(request: Arriving, api: Running) -> Arriving:
    from api.app import create_app
    from visionseek.settings import Settings

    async def serve() -> None:
        app = create_app(Settings(), lambda _: api.world.parts())
        async with app.router.lifespan_context(app):
            await app(request.scope, request.receive, request.send)

    asyncio.run(serve())
    return request


def test_a_body_that_says_it_is_too_large_is_refused_before_a_byte_of_it_is_read(api: Running) -> None:
    request = arrive(Arriving(50 * MEGABYTE, pieces=50), api)
    assert (request.status, request.taken_at_answer) == (413, 0)


def test_a_body_that_does_not_say_is_refused_at_the_limit(api: Running) -> None:
    request = arrive(Arriving(None, pieces=50), api)
    assert (request.status, request.taken_at_answer) == (413, 21)


def test_a_body_that_understates_its_length_is_refused_at_the_limit(api: Running) -> None:
    request = arrive(Arriving(1_000, pieces=50), api)
    assert (request.status, request.taken_at_answer) == (413, 21)


def raw_request(api: Running, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", api.port), timeout=10)
    connection.sendall(head.encode() + body)
    return connection


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def test_the_refusal_comes_while_the_client_is_still_sending(api: Running) -> None:
    head = (
        "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 50000000\r\n\r\n"
    )
    with raw_request(api, head, bytes(1_000)) as connection:
        started = time.monotonic()
        answer = connection.recv(65_536)
        assert time.monotonic() - started < 1
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"connection: close" in answer.lower()


def test_a_negative_or_crooked_length(api: Running) -> None:
    for length in ("-5", "abc", "5, 6", "1e3"):
        head = f"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        with raw_request(api, head) as connection:
            assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_a_client_that_leaves_in_the_middle_of_its_upload(api: Running) -> None:
    for kind in ("image/png", "multipart/form-data; boundary=b", "application/json"):
        head = (
            f"POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 9000000\r\n\r\n"
        )
        raw_request(api, head, bytes(300_000)).close()
    deadline = time.monotonic() + 5
    while 'status="499"' not in api.http.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    lines = api.http.get("/metrics").text.splitlines()
    assert "visionseek_upload_bytes 0.0" in lines


def test_a_client_that_trickles(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "UPLOAD_SECONDS", 0.2)
    head = "POST /v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 900\r\n\r\n"
    with raw_request(api, head, b"a few bytes") as connection:
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"did not arrive within 0.2 s" in answer


def test_uploads_of_all_requests_together_are_bounded() -> None:
    permits = Permits(100, "bytes of uploads")
    from visionseek.errors import Overloaded

    with permits.lease() as one, permits.lease() as other:
        one.take(60)
        other.take(40)
        with pytest.raises(Overloaded):
            other.take(1)
        assert permits.held == 100
    assert permits.held == 0


def test_many_large_uploads_at_once_all_get_an_answer(api: Running) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def send(_: int) -> int:
        with httpx.Client(base_url=api.url, timeout=30) as client:
            return client.post("/v1/search", files={"image": ("x", bytes(21 * MEGABYTE))}).status_code

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(send, range(4))) == {413}


def test_a_good_picture_just_below_the_limit_is_read(api: Running) -> None:
    padded = jpeg(draw(2)) + bytes(19 * MEGABYTE)
    assert api.search(padded, k=1).json()["hits"][0]["product_id"] == "ring-2"
