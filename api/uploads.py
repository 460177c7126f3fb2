"""A body under a hard limit: refused by its header where that tells, else at the byte that is too much."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from api.limits import Lease
from api.problems import TOO_SLOW, UNSUPPORTED_BODY, Problem

# A 20 MB photograph over a slow phone line; who needs longer holds memory for nothing.
UPLOAD_SECONDS = 30.0


async def stream_body(
    request: Request, lease: Lease, *, limit: int, refusal: Problem
) -> AsyncIterator[bytes]:
    """The body piece by piece.

    Args:
        request: whose body was not read yet.
        lease: takes a permit a byte, for what is held in memory by all requests together.
        limit: most bytes of the body.
        refusal: what a larger body is answered with; it names the limit that callers know, which has no room
            for what goes around a picture.

    Raises:
        Problem: more than `limit`, known from Content-Length before anything is read or found while reading;
            or a body that is compressed.
        Overloaded: the uploads of all requests together are too many.
        ClientDisconnect: the client left.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(
            UNSUPPORTED_BODY, "a compressed body is not read", mend="send it without Content-Encoding"
        )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise refusal
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise refusal
        lease.take(len(chunk))
        yield chunk


async def read_body(request: Request, lease: Lease, *, limit: int, refusal: Problem) -> bytes:
    """The whole body; see `stream_body`."""
    return b"".join([chunk async for chunk in stream_body(request, lease, limit=limit, refusal=refusal)])


@asynccontextmanager
async def upload_deadline() -> AsyncIterator[None]:
    """Around reading a body: a client that trickles is answered with 408 after `UPLOAD_SECONDS`.

    Raises:
        Problem: the time is over.
    """
    try:
        async with asyncio.timeout(UPLOAD_SECONDS):
            yield
    except TimeoutError as error:
        raise Problem(
            TOO_SLOW,
            f"the body did not arrive within {UPLOAD_SECONDS:g} s",
            limit={"upload_seconds": UPLOAD_SECONDS},
        ) from error
