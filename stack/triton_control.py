"""What a running Triton is told and asked over its HTTP API: load a model, what is served, which version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from visionseek.errors import StackError, Unavailable

LOAD_DEADLINE_S = 300
ASK_DEADLINE_S = 5


class TritonAddress(BaseModel):
    """Where a Triton is reached.

    Attributes:
        grpc: `host:port`, as gRPC clients take it.
        http: base URL of the HTTP API.
        metrics: URL of the Prometheus metrics.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    grpc: str
    http: str
    metrics: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """A version of a model as Triton's repository index shows it; `reason` says why it is not READY."""

    name: str
    version: str
    state: str
    reason: str


def load_model(address: TritonAddress, name: str, *, deadline_s: float = LOAD_DEADLINE_S) -> None:
    """Load the versions of `name` that its version policy names; versions that served already go on serving.

    Raises:
        StackError: Triton refused; the message is that of the backend.
        Unavailable: Triton does not answer.
    """
    url = f"{address.http}/v2/repository/models/{name}/load"
    reply = _call("POST", url, deadline_s=deadline_s)
    if reply.status_code != httpx.codes.OK:
        raise StackError(f"Triton did not load {name}: {_reason(reply)}", where=url)


def model_states(address: TritonAddress) -> tuple[ModelState, ...]:
    """Every version of every model that Triton has been told of, in the repository's order of names.

    Raises:
        Unavailable: Triton does not answer.
    """
    reply = _call("POST", f"{address.http}/v2/repository/index", deadline_s=ASK_DEADLINE_S)
    rows: Sequence[dict[str, Any]] = reply.json() if reply.status_code == httpx.codes.OK else []
    states = (
        ModelState(row["name"], row.get("version", ""), row.get("state", "UNLOADED"), row.get("reason", ""))
        for row in rows
    )
    return tuple(sorted(states, key=lambda state: (state.name, int(state.version or 0))))


def server_version(address: TritonAddress) -> str:
    """Triton's own version, such as `2.51.0`.

    Raises:
        Unavailable: Triton does not answer.
    """
    return str(_call("GET", f"{address.http}/v2", deadline_s=ASK_DEADLINE_S).json()["version"])


def _call(method: str, url: str, *, deadline_s: float) -> httpx.Response:
    try:
        with httpx.Client(timeout=deadline_s, trust_env=False) as client:
            return client.request(method, url)
    except httpx.HTTPError as error:
        raise Unavailable(
            f"Triton does not answer: {error}", where=url, mend="`visionseek up` starts it again"
        ) from error


def _reason(reply: httpx.Response) -> str:
    try:
        # A Python backend's message goes on with its stack, which the log has too.
        return str(reply.json()["error"]).partition("\n\nAt:\n")[0].strip(" ;\n")
    except (ValueError, KeyError, TypeError):
        return f"HTTP {reply.status_code}"
