import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stack import api_process
from stack.api_process import EncoderChanged, wait_api
from stack.processes import Process, _started
from visionseek.errors import StackError

OTHER = {"detail": "the generation belongs to another encoder", "mend": "visionseek index refresh"}


@pytest.fixture
def ready() -> dict[str, Any]:
    """What /readyz answers; status 200 where `checks` is missing."""
    return {}


@pytest.fixture
def url(ready: dict[str, Any]) -> Iterator[str]:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(ready).encode()
            self.send_response(503 if self.path == "/readyz" and ready else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def wait(url: str, log: Path, **options: Any) -> None:
    me = Process(pid=os.getpid(), started=_started(os.getpid()) or "")
    wait_api(me, url, log=log, since=0, **{"searches": True, **options})


def test_an_api_that_answers_is_ready(url: str, tmp_path: Path) -> None:
    wait(url, tmp_path / "api.log")


def test_an_index_of_another_encoder_is_not_waited_for(
    url: str, ready: dict[str, Any], tmp_path: Path
) -> None:
    ready |= {**OTHER, "checks": {"fingerprint_matches": False}}
    wait(url, tmp_path / "api.log", searches=False)
    with pytest.raises(EncoderChanged, match="another encoder") as refused:
        wait(url, tmp_path / "api.log")
    assert refused.value.mend == OTHER["mend"]


@pytest.mark.parametrize("checks", [{"fingerprint_matches": None}, {}, [], "damaged"])
def test_anything_else_is_waited_for_and_told(
    url: str, ready: dict[str, Any], checks: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_process, "READY_DEADLINE_S", 0.3)
    ready |= {"detail": "Triton does not answer", "checks": checks}
    with pytest.raises(StackError, match="Triton does not answer") as refused:
        wait(url, tmp_path / "api.log")
    assert not isinstance(refused.value, EncoderChanged)


def test_while_encoder_and_index_change_they_may_differ(
    url: str, ready: dict[str, Any], tmp_path: Path
) -> None:
    ready |= {**OTHER, "checks": {"fingerprint_matches": False}}
    threading.Timer(0.3, ready.clear).start()
    wait(url, tmp_path / "api.log", settling=True)
