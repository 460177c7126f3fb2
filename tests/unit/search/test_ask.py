import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from search.ask import parse_region, search
from visionseek.errors import ImageTooLarge, InputError, NotFound, Overloaded, Unavailable, VisionSeekError

ANSWER = {
    "query": {"width": 10, "height": 10, "region": None},
    "hits": [
        {
            "rank": 1,
            "product_id": "[bold]P1",
            "title": "a ring",
            "category": None,
            "price": 1200.5,
            "currency": "USD",
            "score": 0.93,
            "image": {"id": "1", "url": "/v1/images/1"},
        }
    ],
    "coverage": {"shards": 2, "answered": 2},
    "generation": 7,
    "encoder": "f" * 64,
    "timings": {"encode": 3.0},
}


class Api:
    """An API that answers every search with `status` and `body`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.body = 200, json.dumps(ANSWER).encode()
        self.asked: list[tuple[str, dict[str, list[str]], bytes]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.asked.append((url.path, parse_qs(url.query), body))
                self.send_response(api.status)
                self.end_headers()
                self.wfile.write(api.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as in the base class
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, args=(0.01,))
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture(autouse=True)
def picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ring.jpg").write_bytes(b"picture bytes")
    return tmp_path / "ring.jpg"


def run(*arguments: str) -> Any:
    result = CliRunner().invoke(search, arguments)
    if isinstance(result.exception, VisionSeekError):
        raise result.exception
    return result


def test_the_picture_goes_to_the_api_and_its_answer_comes_out_as_json(api: Api) -> None:
    result = run("ring.jpg", "--url", api.url + "/", "--region", "0.1,0.2,0.5,1", "-k", "3", "--json")
    assert json.loads(result.stdout.splitlines()[-1]) == ANSWER
    assert api.asked == [
        ("/v1/search", {"k": ["3"], "region": ["0.1,0.2,0.5,1.0"]}, b"picture bytes"),
    ]


def test_the_address_is_what_up_wrote_down(api: Api) -> None:
    stack = Path(".visionseek/run/stack.json")
    stack.parent.mkdir(parents=True)
    stack.write_text(json.dumps({"triton": None, "api": {"url": api.url}}))
    assert json.loads(run("ring.jpg", "--json").stdout)["generation"] == 7
    stack.write_text(json.dumps({"triton": None, "api": None}))
    with pytest.raises(Unavailable, match=r"(?s)not running.*visionseek up"):
        run("ring.jpg")


@pytest.mark.parametrize(
    ("status", "error"),
    [(413, ImageTooLarge), (422, InputError), (429, Overloaded), (503, Unavailable), (500, Unavailable)],
)
def test_a_refusal_is_told_in_the_words_of_the_api(api: Api, status: int, error: type[Exception]) -> None:
    api.status, api.body = status, json.dumps({"title": "no", "detail": "the reason"}).encode()
    with pytest.raises(error, match=f"{status}: the reason"):
        run("ring.jpg", "--url", api.url)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"hits": 3}'])
def test_something_else_on_that_port_is_said_so(api: Api, body: bytes) -> None:
    api.body = body
    with pytest.raises(Unavailable, match="not the API of VisionSeek"):
        run("ring.jpg", "--url", api.url)


def test_wrong_files_are_refused_before_anything_is_sent(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound, match=r"missing\.jpg"):
        run("missing.jpg", "--url", api.url)
    with pytest.raises(InputError, match="not a readable file"):
        run(str(tmp_path), "--url", api.url)
    monkeypatch.setenv("VISIONSEEK_MAX_IMAGE_BYTES", "5")
    with pytest.raises(ImageTooLarge, match="at most 5"):
        run("ring.jpg", "--url", api.url)
    assert api.asked == []


def test_nobody_there_says_how_to_start_it() -> None:
    for url in ("http://127.0.0.1:9", "nonsense", "http://[::"):
        with pytest.raises(Unavailable, match="visionseek up"):
            run("ring.jpg", "--url", url)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0.5,0,0.2,1", "0,0,2,2", "nan,0,1,1"])
def test_a_region_that_is_no_box_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="left,top,right,bottom"):
        parse_region(text)
