"""The guarded client: fetches pictures from the public web, politely and within limits."""

from __future__ import annotations

import asyncio
import io
import random
from collections import Counter, defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO

import httpcore

from catalog.connections import Connections, PinnedBackend
from catalog.gathering import Fetched
from catalog.guard import Resolve, Target, check_url, follow, system_resolve
from visionseek.errors import DeadlineExceeded, FetchRefused, ImageTooLarge, InputError, NotFound, Unavailable

AGENT = "VisionSeek/0.1 (product pictures for visual search)"
REDIRECTS = 5
AT_ONCE = 64  # requests in flight, to all hosts together
TIRED = 12  # failures of a host in a row, after which it is left alone: a dead one would take hours
TRIES = 3
BACKOFF_S = 0.5
LONGEST_MARK = 1_000  # characters of an ETag; it is sent back, and a server that is asked too much refuses
LONGEST_WAIT_S = 20.0  # a server that asks for more is asked again at the next import
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_ELSEWHERE = frozenset({301, 302, 303, 307, 308})


class Web:
    """Reads pictures over http(s). One instance serves one event loop; close it when done."""

    def __init__(
        self,
        *,
        max_bytes: int,
        timeout_s: float = 30.0,
        per_host: int = 8,
        allow_private: Collection[tuple[str, int]] = (),
        resolve: Resolve = system_resolve,
    ) -> None:
        """Set the limits.

        Args:
            max_bytes: largest body; more is not read.
            timeout_s: longest that one try may take, from the look-up to the last byte.
            per_host: requests in flight to one host and port.
            allow_private: host and port pairs that may be private.
            resolve: looks names up; the system's resolver by default.
        """
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._allow_private = frozenset(allow_private)
        self._turns: defaultdict[tuple[str, int], asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(per_host)
        )
        # Whoever waits for a turn waits outside of its own time: slow servers do not take that of others.
        self._all = asyncio.Semaphore(AT_ONCE)
        self._failures: Counter[tuple[str, int]] = Counter()
        self._connections = Connections(PinnedBackend(resolve, self._allow_private))

    async def close(self) -> None:
        """Close all connections."""
        await self._connections.close()

    async def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Fetched:
        """The bytes at `address`, or word that they are what `etag` and `last_modified` stand for.

        Raises:
            FetchRefused: it, or what it redirects to, must not be followed.
            NotFound: 404 or 410.
            ImageTooLarge: more than `max_bytes`.
            InputError: another answer that trying again does not mend.
            Unavailable: no answer, or a server error, after three tries.
        """
        asked: dict[str, str] = {}
        if etag:
            asked["If-None-Match"] = etag
        if last_modified:
            asked["If-Modified-Since"] = last_modified
        body = io.BytesIO()
        answer = await self._follow(address, asked, body)
        return answer if answer.data is None else answer._replace(data=body.getvalue())

    async def download(self, address: str, file: IO[bytes]) -> None:
        """Write what is at `address` into `file`; the same rules and errors as for a picture."""
        await self._follow(address, {}, file)

    async def _follow(self, address: str, asked: dict[str, str], body: IO[bytes]) -> Fetched:
        target = check_url(address, allow_private=self._allow_private)
        for number in range(REDIRECTS + 1):
            async with self._turns[target.host, target.port]:
                answer = await self._try_again(target, asked, body)
            if isinstance(answer, Fetched):
                return answer
            if number < REDIRECTS:
                target = follow(target, answer, allow_private=self._allow_private)
        raise FetchRefused(f"more than {REDIRECTS} redirects", where=address)

    async def _try_again(self, target: Target, asked: dict[str, str], body: IO[bytes]) -> Fetched | str:
        place = target.host, target.port
        for attempt in range(TRIES):
            if self._failures[place] >= TIRED:
                raise Unavailable(f"{TIRED} failures of {target.host} in a row: not asked", where=target.url)
            try:
                async with self._all, asyncio.timeout(self._timeout_s):
                    answer = await self._once(target, asked, body)
            except _Busy as busy:
                wait = max(busy.wait_s, BACKOFF_S * 2**attempt * (1 + random.random()))  # noqa: S311 -- spreads retries
                if attempt == TRIES - 1 or wait > LONGEST_WAIT_S:
                    self._failures[place] += 1
                    raise Unavailable(busy.what, where=target.url) from busy
            except TimeoutError as error:
                self._failures[place] += 1
                what = f"no whole answer within {self._timeout_s:g} s"
                raise DeadlineExceeded(what, where=target.url) from error
            except InputError:
                self._failures[place] = 0  # it answers
                raise
            else:
                self._failures[place] = 0
                return answer
            await asyncio.sleep(wait)
        raise AssertionError  # the last try has returned or raised

    async def _once(self, target: Target, asked: dict[str, str], body: IO[bytes]) -> Fetched | str:
        headers = {"User-Agent": AGENT, "Accept": "*/*", "Accept-Encoding": "identity", **asked}
        try:
            async with self._connections.get(target, headers) as response:
                given = {name.lower(): value.decode("latin-1") for name, value in reversed(response.headers)}
                status = response.status
                if status in _ELSEWHERE:
                    return _location(given, target)
                if status == 304 and asked:
                    return Fetched(None)
                if status != 200:
                    raise _refusal(status, given, target)
                await self._read(response, given, target, body)
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            raise _Busy(f"the connection failed: {error or type(error).__name__}") from error
        return Fetched(b"", _mark(given, b"etag"), _mark(given, b"last-modified"))

    async def _read(
        self, response: httpcore.Response, given: dict[bytes, str], target: Target, body: IO[bytes]
    ) -> None:
        told = given.get(b"content-length", "")
        encoding = given.get(b"content-encoding", "identity").lower()
        if encoding != "identity":  # it would have to be unpacked to an unknown size
            raise InputError(f"the server sends {encoding}, which was not asked for", where=target.url)
        too_large = ImageTooLarge(f"more bytes than the limit of {self._max_bytes:,}", where=target.url)
        if told.isascii() and told.isdigit() and int(told[:18]) > self._max_bytes:
            raise too_large
        body.seek(0)  # an earlier try may have left half of it
        body.truncate()
        size = 0
        async for part in response.aiter_stream():
            size += len(part)
            if size > self._max_bytes:
                raise too_large
            body.write(part)


class _Busy(Exception):
    """An answer that may be better in a moment."""

    def __init__(self, what: str, wait_s: float = 0.0) -> None:
        super().__init__(what)
        self.what = what
        self.wait_s = wait_s


def _location(given: dict[bytes, str], target: Target) -> str:
    if not given.get(b"location"):
        raise InputError("a redirect to nowhere", where=target.url)
    raw = given[b"location"].encode("latin-1")
    try:
        return raw.decode("utf-8")  # letters beyond ASCII have no place there, and come in UTF-8
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _mark(given: dict[bytes, str], name: bytes) -> str | None:
    mark = given.get(name)
    return mark if mark and len(mark) <= LONGEST_MARK else None


def _wait_s(after: str) -> float:
    """Seconds of a Retry-After, which is a number or a date; 0 where it is neither."""
    if after.isascii() and after.isdigit():
        return float(after[:9])
    try:
        moment = parsedate_to_datetime(after)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        return 0.0
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _refusal(status: int, given: dict[bytes, str], target: Target) -> Exception:
    if status in _AGAIN:
        after = given.get(b"retry-after", "")
        return _Busy(f"the server answers {status}", _wait_s(after))
    if status in {404, 410}:
        return NotFound(f"the server answers {status}: no such picture", where=target.url)
    return InputError(f"the server answers {status}", where=target.url)
