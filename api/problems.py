"""Every error as RFC 9457 `application/problem+json`; no traceback, path or address of the server in any."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from visionseek.errors import (
    ArtifactError,
    DeadlineExceeded,
    FingerprintMismatch,
    ImageRejected,
    ImageTooLarge,
    InputError,
    NotFound,
    NotPublished,
    Overloaded,
    Unavailable,
    UnsupportedImage,
    VisionSeekError,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
CLIENT_GONE = 499
"""Nobody reads it; the status that access logs use since nginx for a client that left."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of problem: last part of its URN, HTTP status, title."""

    name: str
    status: int
    title: str
    retry_after_s: int | None = None

    @property
    def uri(self) -> str:
        """The problem's `type`; the same for every occurrence."""
        return f"urn:visionseek:problem:{self.name}"


MALFORMED = Kind("malformed-request", 400, "The request cannot be read")
NOT_FOUND = Kind("not-found", 404, "No such thing")
TOO_SLOW = Kind("upload-too-slow", 408, "The upload took too long")
IMAGE_TOO_LARGE = Kind("image-too-large", 413, "The picture is above a limit")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is above a limit")
UNSUPPORTED_IMAGE = Kind("unsupported-image", 415, "Not a picture that can be read")
UNSUPPORTED_BODY = Kind("unsupported-body", 415, "A body of this type is not read")
IMAGE_REJECTED = Kind("image-rejected", 422, "The picture cannot be used")
INVALID_INPUT = Kind("invalid-input", 422, "A value is wrong")
OVERLOADED = Kind("overloaded", 429, "Too many queries at once", retry_after_s=1)
INTERNAL = Kind("internal", 500, "A fault of the server")
NOT_BUILT = Kind("not-built", 501, "Not built into this version")
UNAVAILABLE = Kind("unavailable", 503, "The search service does not answer", retry_after_s=2)
NOT_PUBLISHED = Kind("nothing-published", 503, "Nothing is published to search", retry_after_s=10)
WRONG_ENCODER = Kind(
    "fingerprint-mismatch", 503, "Index and encoder do not belong together", retry_after_s=30
)
TOO_LATE = Kind("deadline-exceeded", 504, "No answer within the deadline", retry_after_s=2)

# The first that matches counts; the tree is drawn in visionseek/errors.py.
_KINDS: tuple[tuple[type[VisionSeekError], Kind], ...] = (
    (ImageTooLarge, IMAGE_TOO_LARGE),
    (UnsupportedImage, UNSUPPORTED_IMAGE),
    (ImageRejected, IMAGE_REJECTED),
    (NotFound, NOT_FOUND),
    (InputError, INVALID_INPUT),
    (FingerprintMismatch, WRONG_ENCODER),
    (Overloaded, OVERLOADED),
    (DeadlineExceeded, TOO_LATE),
    (NotPublished, NOT_PUBLISHED),
    (Unavailable, UNAVAILABLE),
    (ArtifactError, UNAVAILABLE),
)


class Problem(Exception):
    """An answer that says what is wrong; raised by the API's own code.

    Args:
        kind: what sort of problem.
        detail: this occurrence in one sentence, with the value that was wrong.
        mend: what the caller can do.
        limit: name -> value of the limits that matter here.
        errors: for several wrong fields, `{"field", "message"}` each.
        more: further members of the body.
        headers: further headers of the response.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        mend: str | None = None,
        limit: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        more: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.mend = mend
        self.limit = limit
        self.errors = errors
        self.more = more or {}
        self.headers = headers or {}

    def response(self) -> Response:
        """The answer as bytes and headers; optional members are left out where empty."""
        body: dict[str, Any] = {
            "type": self.kind.uri,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": self.detail,
        }
        extensions = {"mend": self.mend, "limit": self.limit, "errors": list(self.errors), **self.more}
        body.update({member: value for member, value in extensions.items() if value})
        headers = {"Cache-Control": "no-store", **self.headers}
        if self.kind.retry_after_s is not None:
            headers["Retry-After"] = str(self.kind.retry_after_s)
        text = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")  # callers may send surrogates
        return Response(text, self.kind.status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI, image_limits: Mapping[str, int]) -> None:
    """Make every foreseen error of `app` a problem; `image_limits` goes with pictures that are too large.

    What nobody foresaw is answered by `api.edge`.
    """

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, VisionSeekError)
        problem = from_error(error, image_limits)
        if problem.kind.status >= 500:
            log.warning("%s %s: %s", request.method, request.url.path, error)
        return problem.response()

    app.add_exception_handler(VisionSeekError, ours)
    app.add_exception_handler(Problem, _raised)
    app.add_exception_handler(HTTPException, _by_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ClientDisconnect, _gone)


def kind_of(error: VisionSeekError) -> Kind:
    """What sort of problem one of our errors is."""
    return next((kind for family, kind in _KINDS if isinstance(error, family)), INTERNAL)


def from_error(error: VisionSeekError, image_limits: Mapping[str, int]) -> Problem:
    """One of our errors as a problem.

    What the caller did wrong is told in full. What happened behind the API is told by its kind only, for the
    message may hold paths and addresses; the log has it.
    """
    kind = kind_of(error)
    if kind.status in (429, 404) or isinstance(error, InputError):
        limit = image_limits if kind is IMAGE_TOO_LARGE else None
        return Problem(kind, error.what, mend=error.mend, limit=limit)
    if kind is WRONG_ENCODER:
        return Problem(kind, "the index was built with another encoder than Triton serves", mend=error.mend)
    if kind is NOT_PUBLISHED:
        return Problem(kind, "no generation of the index serves yet", mend=error.mend)
    details = {
        UNAVAILABLE: "the catalog cannot be searched at the moment; GET /readyz says what is missing",
        TOO_LATE: "the query was given up at its deadline; the server is slow or overloaded",
    }
    mend = f"try again in {kind.retry_after_s} s" if kind.retry_after_s else None
    return Problem(kind, details.get(kind, "an error of the server; its log has the details"), mend=mend)


async def _raised(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, Problem)
    return error.response()


async def _by_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    kind = Kind(status.phrase.lower().replace(" ", "-"), error.status_code, status.phrase)
    if error.status_code == 404:
        kind = NOT_FOUND
        detail = "nothing is served at this path; GET /docs lists what is"
    elif error.status_code == 405:
        detail = f"{request.method} is not served at this path"
    else:
        detail = str(error.detail)
    return Problem(kind, detail, headers=dict(error.headers or {})).response()


async def _invalid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    errors = [{"field": _field(one["loc"]), "message": str(one["msg"])} for one in error.errors()]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors)
    return Problem(INVALID_INPUT, detail, errors=errors).response()


def _field(location: Sequence[Any]) -> str:
    # The framework puts the place first: ("query", "size"), ("path", "image_id").
    return ".".join(str(part) for part in location[1:] or location)


async def _gone(request: Request, error: Exception) -> Response:
    del request, error
    return Response(status_code=CLIENT_GONE)
