"""The API as a child process: its settings as variables, and when it is ready."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx

from stack.logs import last_words
from stack.processes import Process
from visionseek.errors import StackError
from visionseek.settings import PREFIX, Settings

API_COMMAND = (sys.executable, "-m", "visionseek", "serve")
READY_DEADLINE_S = 60
_POLL_S = 0.05


class EncoderChanged(StackError):
    """The API lives, but its index belongs to another encoder than is served; waiting does not mend that."""


def as_variables(settings: Settings) -> dict[str, str]:
    """`settings` as `VISIONSEEK_*` variables for a child process; what is None is left out."""
    return {
        f"{PREFIX}{name.upper()}": str(value)
        for name, value in settings.model_dump().items()
        if value is not None
    }


def wait_api(
    process: Process, url: str, *, searches: bool, log: Path, since: int, settling: bool = False
) -> None:
    """Wait until the API lives, and until it can search where there is an index.

    Args:
        process: the API.
        url: its base URL.
        searches: whether `/readyz` is waited for too; before the first index it cannot become ready.
        log: its log file, for the error.
        since: size of the log before the start.
        settling: encoder and index are being changed right now, so that they may differ for a while.

    Raises:
        EncoderChanged: it lives, and cannot search before its index is refreshed.
        StackError: it ended, or did not answer in READY_DEADLINE_S seconds.
    """
    until = time.monotonic() + READY_DEADLINE_S
    waiting = ["/healthz", "/readyz"] if searches else ["/healthz"]
    said = ""
    with httpx.Client(timeout=5.0, trust_env=False) as client:
        while waiting:
            try:
                reply = client.get(url + waiting[0])
                if reply.is_success:
                    waiting.pop(0)
                    continue
                said = f": {reply.status_code} {reply.text[:500]}"
                if waiting[0] == "/readyz" and not settling:
                    _refuse_other_encoder(reply, log)
            except httpx.HTTPError:
                pass
            if not process.alive:
                words = last_words(log, since)
                raise StackError(f"the API ended while starting{words}", where=str(log))
            if time.monotonic() > until:
                what = f"the API did not answer {waiting[0]} in {READY_DEADLINE_S} s"
                raise StackError(f"{what}{said}{last_words(log, since)}", where=str(log))
            time.sleep(_POLL_S)


def _refuse_other_encoder(reply: httpx.Response, log: Path) -> None:
    try:
        problem = reply.json()
        matches = problem["checks"]["fingerprint_matches"]
    except (ValueError, KeyError, TypeError):
        return
    if matches is False:
        raise EncoderChanged(str(problem.get("detail")), where=str(log), mend=problem.get("mend"))
