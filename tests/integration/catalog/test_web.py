"""The guarded client against a server on loopback that counts connections and requests."""

import asyncio
import gzip
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from catalog.gathering import Fetched
from catalog.web import Web
from visionseek.errors import DeadlineExceeded, FetchRefused, ImageTooLarge, InputError, NotFound, Unavailable

BODY = b"picture" * 1_000


class Shop:
    """An HTTP server whose paths each misbehave in their own way."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.at_once = self.most_at_once = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                path = first.split(" ")[1]
                self.requests[path] += 1
                self.headers[path] = {
                    k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)
                }
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                await self.answer(path, writer)
                self.at_once -= 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        def send(status: str, body: bytes = b"", **headers: str) -> None:
            told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{told}\r\n".encode() + body)

        match path.split("?", maxsplit=1)[0].strip("/").split("/"):
            case ["redirect", *target]:
                send("302 Found", Location="/".join(target).replace(":/", "://", 1).replace(":///", "://"))
            case ["loop"]:
                send("302 Found", Location="/loop")
            case ["busy"]:
                send("503 Busy") if self.requests[path] < 3 else send("200 OK", BODY)
            case ["down"]:
                send("503 Down")
            case ["later"]:
                send("429 Later", Retry_After="3600")
            case ["odd-later"]:
                writer.write(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\nRetry-After: \xb2\r\n\r\n")
            case ["later-by-date"]:
                send("429 Later", Retry_After="Fri, 31 Dec 2100 23:59:59 GMT")
            case ["nowhere"]:
                send("302 Found", Location="//[")
            case ["letters"]:
                writer.write(
                    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /gr\xc3\xb6\xc3\x9fe\r\n\r\n"
                )
            case ["marked"]:
                writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: "v\xe4\xff"\r\n\r\nab')
            case ["headers"]:
                writer.write(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 5_000_000 + b"\r\n\r\n")
            case ["drip"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                for _ in range(100):
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            case ["missing"]:
                send("404 Not Found")
            case ["forbidden"]:
                send("403 Forbidden")
            case ["packed"]:
                send("200 OK", gzip.compress(BODY), Content_Encoding="gzip")
            case ["endless"]:
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                for _ in range(10_000):
                    writer.write(BODY)
                    await writer.drain()
            case ["announced"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
            case ["stuck"]:
                await asyncio.sleep(5)
            case ["cut"]:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
                writer.close()
            case ["slow", *_]:
                await asyncio.sleep(0.03)
                send("200 OK", BODY)
            case ["tagged"]:
                if self.headers[path].get("if-none-match") == '"v1"':
                    send("304 Not Modified", ETag='"v1"')
                else:
                    send("200 OK", BODY, ETag='"v1"', Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT")
            case _:
                send("200 OK", BODY)


def visit(
    act: Callable[[Shop, int, Web], Awaitable[Any]], *, allow: bool = True, **options: Any
) -> tuple[Any, Shop]:
    """Run `act` with a running shop, its port, and a client that may reach it."""

    async def run() -> tuple[Any, Shop]:
        shop = Shop()
        server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        allowed = [("127.0.0.1", port), ("shop.example", port)] if allow else []
        web = Web(**{"max_bytes": 100_000, "timeout_s": 10.0, **options}, allow_private=allowed)
        try:
            return await act(shop, port, web), shop
        finally:
            await web.close()
            server.close()

    return asyncio.run(run())


def fetch(path: str, **options: Any) -> tuple[Fetched, Shop]:
    return visit(lambda shop, port, web: web(f"http://127.0.0.1:{port}/{path}", None, None), **options)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("catalog.web.BACKOFF_S", 0.01)


def test_a_picture_comes_with_what_tells_the_next_fetch_whether_it_changed() -> None:
    async def act(shop: Shop, port: int, web: Web) -> tuple[Fetched, Fetched]:
        address = f"http://127.0.0.1:{port}/tagged"
        first = await web(address, None, None)
        return first, await web(address, first.etag, first.last_modified)

    (first, second), shop = visit(act)
    assert first == Fetched(BODY, '"v1"', "Mon, 01 Jan 2024 00:00:00 GMT")
    assert second.data is None
    assert shop.headers["/tagged"]["if-modified-since"] == "Mon, 01 Jan 2024 00:00:00 GMT"


def test_loopback_is_refused_before_a_connection_unless_it_was_allowed() -> None:
    async def act(shop: Shop, port: int, web: Web) -> int:
        for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "x@127.0.0.1"):
            with pytest.raises(FetchRefused):
                await web(f"http://{host}:{port}/", None, None)
        return shop.connections

    assert visit(act, allow=False)[0] == 0


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://[::1]/",
        "http://2852039166/",
        "file:///etc/passwd",
        "gopher://shop.example/",
        "http://user@shop.example/",
    ],
)
def test_a_redirect_to_where_nothing_may_go_is_refused(target: str) -> None:
    async def act(shop: Shop, port: int, web: Web) -> None:
        with pytest.raises(FetchRefused):
            await web(f"http://127.0.0.1:{port}/redirect/{target}", None, None)

    _, shop = visit(act)
    assert sum(shop.requests.values()) == 1


def test_redirects_are_followed_to_a_limit() -> None:
    async def act(shop: Shop, port: int, web: Web) -> Fetched:
        found = await web(f"http://127.0.0.1:{port}/redirect/http://127.0.0.1:{port}/ok", None, None)
        with pytest.raises(FetchRefused, match="redirects"):
            await web(f"http://127.0.0.1:{port}/loop", None, None)
        return found

    found, shop = visit(act)
    assert found.data == BODY
    assert shop.requests["/loop"] == 6


def test_a_busy_server_is_asked_again_and_a_broken_one_not_for_ever() -> None:
    answer, shop = fetch("busy")
    assert (answer.data, shop.requests["/busy"]) == (BODY, 3)
    for path in ("down", "later", "later-by-date", "odd-later", "cut", "headers"):
        with pytest.raises(Unavailable):
            fetch(path)


def test_a_host_that_fails_again_and_again_is_left_alone() -> None:
    async def act(shop: Shop, port: int, web: Web) -> None:
        for _ in range(20):
            with pytest.raises(Unavailable):
                await web(f"http://127.0.0.1:{port}/down", None, None)

    _, shop = visit(act)
    assert shop.requests["/down"] == 12 * 3


def test_odd_headers_are_taken_as_they_come() -> None:
    async def act(shop: Shop, port: int, web: Web) -> None:
        address = f"http://127.0.0.1:{port}/marked"
        first = await web(address, None, None)
        await web(address, first.etag, first.last_modified)
        await web(f"http://127.0.0.1:{port}/letters", None, None)
        with pytest.raises(FetchRefused, match="redirect"):
            await web(f"http://127.0.0.1:{port}/nowhere", None, None)

    _, shop = visit(act)
    assert shop.requests["/gr%C3%B6%C3%9Fe"] == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert fetch("ok")[0].data == BODY


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("missing", NotFound),
        ("forbidden", InputError),
        ("packed", InputError),
        ("endless", ImageTooLarge),
        ("announced", ImageTooLarge),
    ],
)
def test_answers_that_are_no_picture_have_errors_of_their_own(path: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        fetch(path)


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with pytest.raises(DeadlineExceeded, match=r"0\.2 s"):
        fetch("stuck", timeout_s=0.2)
    with pytest.raises(DeadlineExceeded):
        fetch("drip", timeout_s=0.4)


def test_one_host_is_asked_for_few_pictures_at_once_over_kept_connections() -> None:
    async def act(shop: Shop, port: int, web: Web) -> None:
        await asyncio.gather(*(web(f"http://127.0.0.1:{port}/slow/{n}", None, None) for n in range(20)))

    _, shop = visit(act, per_host=4)
    assert shop.most_at_once == 4
    assert shop.connections <= 4


def test_a_feed_is_downloaded_into_a_file() -> None:
    async def act(shop: Shop, port: int, web: Web) -> bytes:
        file = io.BytesIO(b"what an earlier try left, which is longer than the feed" * 1_000)
        await web.download(f"http://127.0.0.1:{port}/busy", file)
        return file.getvalue()

    assert visit(act)[0] == BODY
