"""A search request read in full: the picture, or the product whose picture to use, and the query."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from api.limits import Lease
from api.multipart import MAX_FIELD_BYTES, MAX_FIELDS, picture_too_large, read_form
from api.problems import INVALID_INPUT, MALFORMED, UNSUPPORTED_BODY, Problem
from api.query import SearchQuery, TooDeep, parse_query, strict_json
from api.uploads import read_body, stream_body, upload_deadline

_DATA_URL = re.compile(r"data:[\w.+/-]*;base64,")
_ACCEPTED = "multipart/form-data, application/json, image/* or application/octet-stream"


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request wants searched: exactly one of `picture` and `product_id` is there."""

    query: SearchQuery
    picture: bytes | None = None
    product_id: str | None = None


async def read_asked(request: Request, lease: Lease, max_picture_bytes: int) -> Asked:
    """Read a search request of any of the accepted types.

    Args:
        request: whose body was not read yet.
        lease: pays for the bytes held; keep it until the picture is decoded.
        max_picture_bytes: largest picture.

    Raises:
        Problem: what is wrong with the body or a field.
        Overloaded: the uploads of all requests together are too many.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    fields: list[tuple[str, Any]] = list(request.query_params.multi_items())
    async with upload_deadline():
        if media_type == "multipart/form-data":
            # Around the picture: its part's header, and a few fields.
            room = max_picture_bytes + MAX_FIELDS * 1_024 + 2 * MAX_FIELD_BYTES
            body = stream_body(request, lease, limit=room, refusal=picture_too_large(max_picture_bytes))
            form = await read_form(body, content_type, max_picture_bytes)
            return Asked(
                parse_query([*fields, *form.fields]),
                _there(next(iter(form.pictures), None), "the form has no file"),
            )
        if media_type == "application/json":
            room = max_picture_bytes * 4 // 3 + 2 * MAX_FIELD_BYTES
            raw = await read_body(request, lease, limit=room, refusal=picture_too_large(max_picture_bytes))
            return await asyncio.to_thread(_from_json, raw, fields, max_picture_bytes)  # megabytes of text
        if media_type.startswith("image/") or media_type == "application/octet-stream":
            raw = await read_body(
                request, lease, limit=max_picture_bytes, refusal=picture_too_large(max_picture_bytes)
            )
            return Asked(parse_query(fields), _there(raw, "the body is empty"))
    said = f"`{media_type[:64]}`" if media_type else "not given"
    raise Problem(UNSUPPORTED_BODY, f"the Content-Type is {said}", mend=f"send {_ACCEPTED}")


def _from_json(raw: bytes, fields: list[tuple[str, Any]], max_picture_bytes: int) -> Asked:
    try:
        body = strict_json(raw)
    except TooDeep as error:
        raise Problem(INVALID_INPUT, f"the JSON body is {error}") from None
    except ValueError as error:
        raise Problem(MALFORMED, f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise Problem(INVALID_INPUT, "the JSON body must be an object")
    encoded, product_id = body.pop("image_base64", None), body.pop("product_id", None)
    query = parse_query([*fields, *body.items()])
    if (encoded is None) == (product_id is None):
        raise Problem(INVALID_INPUT, "the JSON body needs one of `image_base64` and `product_id`")
    if product_id is not None:
        if not isinstance(product_id, str):
            raise Problem(INVALID_INPUT, "product_id: must be text")
        return Asked(query, product_id=product_id)
    return Asked(query, _there(_decode(encoded, max_picture_bytes), "image_base64 is empty"))


def _decode(encoded: Any, max_bytes: int) -> bytes:
    if not isinstance(encoded, str):
        raise Problem(INVALID_INPUT, "image_base64: must be text")
    prefix = _DATA_URL.match(encoded)
    try:
        picture = base64.b64decode(encoded[prefix.end() if prefix else 0 :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(INVALID_INPUT, f"image_base64: not base64 ({error})") from None
    if len(picture) > max_bytes:
        raise picture_too_large(max_bytes)
    return picture


def _there(picture: bytes | None, otherwise: str) -> bytes:
    if not picture:
        raise Problem(INVALID_INPUT, f"no picture: {otherwise}", mend="send one picture")
    return picture
