"""Locust against a small server that answers as the API does: the exit code follows the objectives."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
HIT = {"product_id": "ring/1", "image": {"id": "7", "url": "/v1/images/7"}}
GOOD = "[requests.photo]\np95_ms = 5000\nmax_error_rate = 0\nmin_requests = 1\n[stages.encode]\np95_ms = 10\n"


class FakeApi(BaseHTTPRequestHandler):
    """Answers as the API does; the class attributes say how well."""

    protocol_version = "HTTP/1.1"
    delay_s: ClassVar[float] = 0.0
    status: ClassVar[int] = 200
    coverage: ClassVar[dict[str, int]] = {"shards": 2, "answered": 2}
    paths: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.delay_s)
        self._answer({"hits": [HIT], "coverage": self.coverage})

    def do_GET(self) -> None:
        self._answer({"id": "ring/1"} if "similar" not in self.path else {"hits": [HIT]})

    def _answer(self, body: Any) -> None:
        self.paths.append(self.path)
        content = json.dumps(body).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Server-Timing", "decode;dur=2.0, encode;dur=8.0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def api() -> Iterator[tuple[str, type[FakeApi]]]:
    class Handler(FakeApi):
        paths: ClassVar[list[str]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", Handler
    server.shutdown()
    thread.join()
    server.server_close()


def loadtest(folder: Path, host: str, objectives: str, *more: str) -> subprocess.CompletedProcess[str]:
    pictures = folder / "pictures"
    pictures.mkdir(exist_ok=True)
    Image.new("RGB", (64, 64), (200, 160, 60)).save(pictures / "ring.png")
    (folder / "objectives.toml").write_text(objectives)
    command = [
        sys.executable,
        "-m",
        "loadtests",
        "--host",
        host,
        "--duration",
        "4",
        "--levels",
        "4,6",
        "--json",
    ]
    command += ["--pictures", str(pictures), "--objectives", str(folder / "objectives.toml")]
    return subprocess.run(
        [*command, "--out", str(folder / "out"), *more],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )


def test_a_server_that_holds_its_objectives_passes(tmp_path: Path, api: tuple[str, type[FakeApi]]) -> None:
    host, handler = api
    done = loadtest(tmp_path, host, GOOD)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["held"] is True
    assert result["stages"]["encode"]["p95_ms"] == 8.0
    assert result["requests"]["photo"]["sent"] + result["requests"]["screenshot"]["sent"] >= 6
    assert "<html" in (tmp_path / "out" / "report.html").read_text().lower()
    # Those who browse follow what searches found, with its identifier escaped.
    assert "/v1/products/ring%2F1" in handler.paths
    assert any(path.startswith("/v1/images/7?size=") for path in handler.paths)


@pytest.mark.parametrize(
    ("broken", "named"),
    [
        ({"delay_s": 0.2}, "photo: p95_ms"),
        ({"status": 429}, "photo: error rate"),
        ({"coverage": {"shards": 2, "answered": 1}}, "photo: error rate"),
    ],
    ids=["slow", "overloaded", "partial"],
)
def test_a_server_that_breaks_one_fails(
    tmp_path: Path, api: tuple[str, type[FakeApi]], broken: dict[str, Any], named: str
) -> None:
    host, handler = api
    for name, value in broken.items():
        setattr(handler, name, value)
    done = loadtest(tmp_path, host, GOOD.replace("5000", "100"))
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["held"] is False
    assert named in [row["what"] for row in result["objectives"] if not row["held"]]


def test_nothing_is_sent_on_bad_input(tmp_path: Path, api: tuple[str, type[FakeApi]]) -> None:
    host, handler = api
    bad = loadtest(tmp_path, host, "[requests.photo]\np95 = 1\n")
    assert bad.returncode == 2
    assert "requests.photo" in bad.stderr
    refused = loadtest(tmp_path, "http://192.0.2.1:8080", GOOD)
    assert refused.returncode == 2
    assert "--i-own-this-host" in refused.stderr
    assert handler.paths == []


def test_locust_itself_refuses_another_machine(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "locust",
            "-f",
            "loadtests/locustfile.py",
            "--headless",
            "--host",
            "http://192.0.2.1",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "not this machine" in done.stderr
