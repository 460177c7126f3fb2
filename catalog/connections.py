"""Connections to hosts that were checked, kept open between requests."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpcore

from catalog.guard import Resolve, Target, public_addresses
from visionseek.errors import FetchRefused

KEPT = 64  # idle connections in all
KEPT_S = 15.0
CONNECT_S = 10.0
SILENCE_S = 20.0  # between two pieces of an answer
_PATIENCE = {"timeout": {"connect": CONNECT_S, "read": SILENCE_S, "write": SILENCE_S, "pool": None}}


class PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were checked: the name is looked up here, once, and never again.

    Every connection that the client opens passes through here, so a name that resolves to a public address
    for the check and to a private one for the connection has no second look-up to lie at.
    """

    def __init__(self, resolve: Resolve, allow_private: Collection[tuple[str, int]]) -> None:
        """Look names up with `resolve`."""
        self._resolve = resolve
        self._allow_private = allow_private
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look up, check, connect to the first checked address that takes it.

        Raises:
            FetchRefused: the host has an address that is not public.
            Unavailable: it has none.
            httpcore.ConnectError: none of them takes the connection.
        """
        target = Target("", host, port, f"{host}:{port}")
        addresses = await asyncio.to_thread(
            public_addresses, target, self._resolve, allow_private=self._allow_private
        )
        problem: Exception | None = None
        for address in addresses[:4]:
            try:
                return await self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
        raise httpcore.ConnectError(f"no connection to {host}:{port}: {problem or 'no address'}") from problem

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        del timeout, socket_options
        raise FetchRefused("a socket of this machine", where=path)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._real.sleep(seconds)


Place = tuple[str, str, int]  # scheme, host, port


class Connections:
    """One request a connection at a time; whoever asks bounds how many there are.

    httpcore's pool looks at all connections for each request, which with many costs more than the request.
    """

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        """Connect through `backend`, and directly: proxies of the environment are not used."""
        self.backend = backend
        self._idle: defaultdict[Place, list[httpcore.AsyncHTTPConnection]] = defaultdict(list)
        self._kept = 0

    @asynccontextmanager
    async def get(self, target: Target, headers: dict[str, str]) -> AsyncIterator[httpcore.Response]:
        """The answer to a GET; its body is read inside of the block.

        Raises:
            httpcore's errors, and those of the backend.
        """
        url = httpcore.URL(target.url)
        sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        host = url.host if url.port is None else url.host + b":%d" % url.port
        request = httpcore.Request("GET", url, headers=[(b"Host", host), *sent], extensions=_PATIENCE)
        place = target.scheme, target.host, target.port
        connection = await self._free(place, url.origin)
        try:
            response = await connection.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            if connection.is_idle() and self._kept < KEPT:
                self._idle[place].append(connection)
                self._kept += 1
            else:
                await connection.aclose()

    async def close(self) -> None:
        """Close those that are idle."""
        for waiting in self._idle.values():
            for connection in waiting:
                await connection.aclose()
        self._idle.clear()
        self._kept = 0

    async def _free(self, place: Place, origin: httpcore.Origin) -> httpcore.AsyncHTTPConnection:
        waiting = self._idle.get(place)
        while waiting:
            connection = waiting.pop()
            self._kept -= 1
            if connection.is_available() and not connection.has_expired():
                return connection
            await connection.aclose()
        if self._kept >= KEPT:
            await self._drop_one()
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=_tls(), keepalive_expiry=KEPT_S, network_backend=self.backend
        )

    async def _drop_one(self) -> None:
        """Room for the hosts that are asked now: the host that was met first is likely done."""
        for place, waiting in list(self._idle.items()):
            if waiting:
                self._kept -= 1
                await waiting.pop().aclose()
                return
            del self._idle[place]


@cache
def _tls() -> ssl.SSLContext:
    """The system's trusted roots; reading them takes a tenth of a second."""
    return ssl.create_default_context()
