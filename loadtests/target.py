"""Which hosts may be loaded: this machine, or one that somebody says is theirs."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


class TargetRefused(Exception):
    """The host must not be loaded, or is none."""


def check_target(url: str, *, own: bool) -> str:
    """`scheme://host:port` of an HTTP address that may be loaded.

    A name other than `localhost` is not looked up: what it resolves to can change during the run.

    Args:
        url: base address of the API.
        own: whether the caller vouched for a host that is not this machine.

    Raises:
        TargetRefused: no HTTP address, or another machine's without `own`.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise TargetRefused(f"{url!r} is no address: {error}") from None
    if parts.scheme not in {"http", "https"} or not host or parts.username or parts.password:
        raise TargetRefused(f"{url!r} is no address of an HTTP server, such as http://127.0.0.1:8080")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise TargetRefused(f"{url!r} has a path; the paths are those of the API")
    if not own and not _is_this_machine(host):
        raise TargetRefused(
            f"{host} is not this machine; a load test of a host that is not yours is an attack.\n"
            "  mend: --i-own-this-host where it is yours"
        )
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
