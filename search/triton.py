"""Triton over gRPC: every call has a deadline, and Triton's errors become ours here and nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import InferInput, InferRequestedOutput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

from search.model_config import as_json
from search.model_server import ServedVersion
from visionseek.errors import (
    DeadlineExceeded,
    InputError,
    ModelNotServed,
    Unavailable,
    VisionSeekError,
)

# gRPC waits up to two minutes between two attempts to connect; a Triton that was restarted must not stay
# unreachable that long. Its own pool of connections keeps one client's back-off from another's.
# Round robin spreads calls over all addresses of a name; the default stays with the first.
# Keepalive finds a peer that vanished without closing; it pings only while calls are under way, because
# Triton cuts off clients that ping an idle connection.
_CHANNEL: list[tuple[str, int | str]] = [
    ("grpc.max_send_message_length", 2**31 - 1),
    ("grpc.max_receive_message_length", 2**31 - 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # despite its name: how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
]

_START = "visionseek up"

_T = TypeVar("_T")


class Triton:
    """An async client of one Triton; it connects when first used and reconnects by itself.

    Belongs to the event loop that uses it first.

    Args:
        address: `host:port` of Triton's gRPC endpoint.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._client: InferenceServerClient | None = None

    @property
    def address(self) -> str:
        """`host:port`."""
        return self._address

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; a later call opens a new one."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def infer(
        self,
        model: str,
        version: int,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        deadline_s: float,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one version of a model; see `ModelServer.infer`."""
        tensors = []
        for name, array in inputs.items():
            tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
            tensor.set_data_from_numpy(np.ascontiguousarray(array))
            tensors.append(tensor)
        call = self._connect().infer(
            model,
            tensors,
            model_version=str(version),
            outputs=[InferRequestedOutput(name) for name in outputs],
            client_timeout=deadline_s,
            parameters=dict(parameters) if parameters else None,
        )
        result = await self._translated(call, f"{model} version {version}", deadline_s)
        answer: dict[str, NDArray[Any]] = {}
        for name in outputs:
            array = result.as_numpy(name)
            if array is None:
                raise Unavailable(f"{model} version {version} gave no output `{name}`", where=self._address)
            answer[name] = array
        return answer

    async def load(self, model: str, *, deadline_s: float, config: str | None = None) -> None:
        """Load a model as `config.pbtxt`, or `config`, says; see `ModelServer.load`.

        Triton forgets `config` when it is restarted; what must last belongs into `config.pbtxt`.
        """
        instead = as_json(config) if config is not None else None
        call = self._connect().load_model(model, config=instead, client_timeout=deadline_s)
        try:
            await self._translated(call, f"load of {model}", deadline_s)
        except InputError as error:  # the model's files are wrong, not what the caller asked
            raise Unavailable(error.what, where=error.where) from error

    async def unload(self, model: str, *, deadline_s: float) -> None:
        """Stop serving every version of a model."""
        call = self._connect().unload_model(model, client_timeout=deadline_s)
        await self._translated(call, f"unload of {model}", deadline_s)

    async def ready(self, *, deadline_s: float) -> bool:
        """Whether Triton takes requests; False as well where nothing listens."""
        call = self._connect().is_server_ready(client_timeout=deadline_s)
        try:
            return bool(await self._translated(call, "server", deadline_s))
        except Unavailable:
            return False

    async def model_ready(self, model: str, version: int, *, deadline_s: float) -> bool:
        """Whether this version of a model answers."""
        call = self._connect().is_model_ready(model, str(version), client_timeout=deadline_s)
        try:
            return bool(await self._translated(call, f"{model} version {version}", deadline_s))
        except ModelNotServed:
            return False

    async def repository(self, *, deadline_s: float) -> list[ServedVersion]:
        """Every version of every model that Triton knows of; version 0 where it never tried to load one."""
        call = self._connect().get_model_repository_index(as_json=True, client_timeout=deadline_s)
        index = await self._translated(call, "model repository", deadline_s)
        return [
            ServedVersion(
                entry["name"], int(entry.get("version", 0)), entry.get("state", ""), entry.get("reason", "")
            )
            for entry in index.get("models", [])
        ]

    async def config(self, model: str, *, deadline_s: float) -> dict[str, Any]:
        """The model's configuration as plain data, field names as in `config.pbtxt`."""
        call = self._connect().get_model_config(model, as_json=True, client_timeout=deadline_s)
        answer = await self._translated(call, f"configuration of {model}", deadline_s)
        config: dict[str, Any] = answer.get("config", {})
        return config

    def _connect(self) -> InferenceServerClient:
        if self._client is None:
            self._client = InferenceServerClient(self._address, channel_args=_CHANNEL)
        return self._client

    async def _translated(self, call: Awaitable[_T], what: str, deadline_s: float) -> _T:
        try:
            return await call
        except InferenceServerException as error:
            raise _translate(error, what, self._address, deadline_s) from error


def _translate(
    error: InferenceServerException, what: str, address: str, deadline_s: float
) -> VisionSeekError:
    status = str(error.status() or "").removeprefix("StatusCode.")
    text = " ".join(str(error.message()).split())
    where = f"Triton at {address}"
    match status:
        case "DEADLINE_EXCEEDED":
            return DeadlineExceeded(
                f"{what}: no answer within {max(deadline_s, 0) * 1000:.0f} ms", where=where
            )
        case "INVALID_ARGUMENT":
            return InputError(f"{what}: {text}", where=where)
        case "NOT_FOUND":
            return ModelNotServed(f"{what}: {text}", where=where)
        case "UNAVAILABLE" if "not at ready state" in text or "no available versions" in text:
            return ModelNotServed(f"{what}: {text}", where=where)
        case "UNAVAILABLE":
            return Unavailable(f"{what}: Triton does not answer ({text})", where=where, mend=_START)
        case _:
            return Unavailable(f"{what}: {text}", where=where)
