"""Where the running services are: an option, else the settings, else what `visionseek up` wrote down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from visionseek.errors import ManifestError, Unavailable
from visionseek.settings import Settings

STACK_FILE = Path("run") / "stack.json"


def triton_address(settings: Settings, option: str | None = None) -> str:
    """`host:port` of Triton's gRPC endpoint; `encoders+shards` where the shards have a Triton of their own.

    Raises:
        Unavailable: nothing says where it is.
        ManifestError: the stack file is damaged.
    """
    if option:
        return option
    if settings.triton_grpc_port:
        address = f"{settings.triton_host}:{settings.triton_grpc_port}"
    else:
        address = _from_stack(settings, "triton", "grpc", "Triton").removeprefix("grpc://")
    if settings.triton_shards_host is None:
        return address
    port = settings.triton_shards_grpc_port or address.rpartition(":")[2]
    return f"{address}+{settings.triton_shards_host}:{port}"


def api_url(settings: Settings, option: str | None = None) -> str:
    """Base URL of the API, without a slash at the end.

    Raises:
        Unavailable: nothing says where it is.
        ManifestError: the stack file is damaged.
    """
    if option:
        return option.rstrip("/")
    if settings.api_port:
        return f"http://{settings.api_host}:{settings.api_port}"
    return _from_stack(settings, "api", "url", "the API").rstrip("/")


def _from_stack(settings: Settings, service: str, key: str, name: str) -> str:
    path = settings.data / STACK_FILE
    try:
        state: Any = json.loads(path.read_bytes())
        started = state.get(service)
        if started is not None:
            return str(started[key])
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(
            f"no `{service}.{key}` in it ({error!r})", where=str(path), mend="visionseek down; visionseek up"
        ) from error
    raise Unavailable(
        f"{name} is not running: no address in the settings and none in {STACK_FILE} of the data folder",
        where=str(settings.data),
        mend="visionseek up",
    )
