"""Which web addresses may be asked for a picture: public ones only, whatever they are dressed up as."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from visionseek.errors import FetchRefused, Unavailable

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 4_096

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

# What `is_global` of one Python version or another lets through, by RFC 6890 and its successors.
_NEVER = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("0.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15"),
        *("224.0.0.0/3", "168.63.129.16/32"),  # the last is Azure's host
        *(
            "::/96",
            "100::/64",
            "2001::/23",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/9",
            "ff00::/8",
            "64:ff9b:1::/48",
        ),
    )
)
# Blocks of IPv6 that carry an IPv4 address, and how far from the right it begins: NAT64, translated, 6to4.
_CARRIERS = (("64:ff9b::/96", 0), ("::ffff:0:0:0/96", 0), ("::ffff:0:0/96", 0), ("2002::/16", 80))
_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_KEPT = "/%:@!$&'()*+,;=?~[]|"  # spaces and letters outside of ASCII are escaped, as browsers do
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")


class Target(NamedTuple):
    """A web address taken apart; `host` is a name or an address without brackets, in lower case."""

    scheme: str
    host: str
    port: int
    url: str


def check_url(url: str, *, allow_private: Collection[tuple[str, int]] = ()) -> Target:
    """Take a URL apart and refuse what no picture of a shop is at. Nothing is sent or looked up.

    Args:
        url: as the feed has it.
        allow_private: host and port pairs that may be private, for a shop's own network and for tests.

    Raises:
        FetchRefused: not http(s); user name or password; a host that is no plain name or public address,
            such as decimal, octal or shortened addresses.
    """
    if len(url) > LONGEST_URL or _UNSAFE.search(url):
        raise FetchRefused(
            "the address is too long, or holds control characters or backslashes", where=url[:200]
        )
    try:
        parts = urlsplit(url)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise FetchRefused(f"not a web address: {error}", where=url) from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise FetchRefused(f"only http and https are fetched, not {scheme or 'this'}", where=url)
    if "@" in parts.netloc:
        raise FetchRefused("a user name in the address hides which host it leads to", where=url)
    if not host or port == 0:
        raise FetchRefused("the address names no host, or port 0", where=url)
    host = _plain_host(host, url)
    port = port or PORTS[scheme]
    address = as_address(host)
    if address is not None and (host, port) not in allow_private:
        refuse_private(address, url)
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == PORTS[scheme] else f"{shown}:{port}"
    path, query = quote(parts.path or "/", safe=_KEPT), quote(parts.query, safe=_KEPT)
    return Target(scheme, host, port, urlunsplit((scheme, netloc, path, query, "")))


def follow(target: Target, location: str, *, allow_private: Collection[tuple[str, int]] = ()) -> Target:
    """Where a redirect leads, checked like any other address.

    Raises:
        FetchRefused: it leads to what must not be followed, or from https down to http.
    """
    try:
        address = urljoin(target.url, location)
    except ValueError as error:
        raise FetchRefused(f"a redirect to no web address: {error}", where=location[:200]) from error
    there = check_url(address, allow_private=allow_private)
    if target.scheme == "https" and there.scheme == "http":
        raise FetchRefused("a redirect from https down to http", where=there.url)
    return there


def public_addresses(
    target: Target, resolve: Resolve, *, allow_private: Collection[tuple[str, int]] = ()
) -> list[str]:
    """The addresses of a target's host, looked up once; the caller connects to these and to no others.

    Raises:
        FetchRefused: any one of them is not public: a name that has both is an attack or a mistake.
        Unavailable: the name has none.
    """
    try:
        found = list(dict.fromkeys(resolve(target.host, target.port)))
    except (OSError, UnicodeError) as error:
        raise Unavailable(f"the name {target.host} is not known: {error}", where=target.url) from error
    if not found:
        raise Unavailable(f"the name {target.host} has no address", where=target.url)
    if (target.host, target.port) not in allow_private:
        for text in found:
            refuse_private(ipaddress.ip_address(text.partition("%")[0]), target.url)
    return found


def system_resolve(host: str, port: int) -> list[str]:
    """Addresses by the system's resolver, in its order of preference."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def as_address(host: str) -> IPAddress | None:
    """The IP address that a host is, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def refuse_private(address: IPAddress, url: str) -> None:
    """Raise FetchRefused unless `address`, and any IPv4 address inside of it, is public."""
    for inner in _layers(address):
        private = not inner.is_global or inner.is_multicast or inner.is_reserved
        if private or any(inner in net for net in _NEVER if net.version == inner.version):
            raise FetchRefused(f"{address} is not a public address", where=url)


def _layers(address: IPAddress) -> list[IPAddress]:
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    for block, shift in _CARRIERS:
        if address in ipaddress.ip_network(block):
            inside = ipaddress.IPv4Address((int(address) >> shift) & 0xFFFFFFFF)
            # An IPv4-mapped address is nothing but its IPv4 address; the others must be public themselves.
            return [inside] if address.ipv4_mapped else [address, inside]
    if (
        int(address) >> 32 & 0xFCFFFFFF == 0x00005EFE
    ):  # ISATAP: any prefix, then 0:5efe or 200:5efe (RFC 5214)
        return [address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def _plain_host(host: str, url: str) -> str:
    if "%" in host:
        raise FetchRefused("the host is escaped or names a network interface", where=url)
    if as_address(host) is not None:
        return host
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise FetchRefused(f"{host!r} is no host name", where=url) from error
    name = name.lower().rstrip(".")
    last = name.rpartition(".")[2]
    # The last label of a name is never a number: this is an address in decimal, octal, hex or shortened.
    if not _HOST.fullmatch(name) or len(name) > 253 or last.isdigit() or re.fullmatch(r"0x[0-9a-f]*", last):
        raise FetchRefused(f"{host!r} is neither a host name nor a plain address", where=url)
    if as_address(name) is not None:
        raise FetchRefused(f"{host!r} hides an address", where=url)
    return name
