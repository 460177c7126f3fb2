"""Around every request: an id, headers that browsers need, counters, a polite end to refused uploads."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import INTERNAL, Problem

log = logging.getLogger(__name__)

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# The page brings its own; anything else is data and runs nothing.
_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# A refused client is often still sending. Closing at once would reset the connection, and most clients would
# report that instead of the answer, so what still comes is thrown away for a while (nginx: lingering_close).
_LINGER_S = 1.0


class Edge:
    """ASGI middleware; outermost, so that it sees every answer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        if method == "HEAD":  # routes know GET; the server leaves the body out by the request it got
            scope = {**scope, "method": "GET"}
        exchange = _Exchange(scope, receive, send)
        started = time.perf_counter()
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:
            # Answered here and not passed on: the server would cut a connection that the client means to keep.
            if exchange.started:
                raise
            log.exception("%s %s failed", method, scope["path"])
            await _fault().response()(scope, exchange.receive, exchange.send)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            self._metrics.requests.labels(route, method, str(exchange.status)).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - started)


# Strangers may invent methods; as labels they would never end.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


class _Exchange:
    """One request and its answer, watched."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope)
        self._receive, self._send = receive, send
        self._unread = given.get("content-length", "0") != "0" or "transfer-encoding" in given
        self._id = given.get("x-request-id", "")
        if not _GIVEN_ID.fullmatch(self._id):
            self._id = uuid.uuid4().hex
        self.status = 500
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.started = message["status"], True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", _POLICY)
            headers["X-Request-ID"] = self._id
            if self._unread:
                headers["Connection"] = "close"
            await self._send(message)
        elif self._unread and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._drain()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        else:
            await self._send(message)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(_LINGER_S):
                while self._unread:
                    await self.receive()
        except TimeoutError:
            pass


def _fault() -> Problem:
    return Problem(INTERNAL, "an error of the server; its log has the details")
