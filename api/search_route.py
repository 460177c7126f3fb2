"""POST /v1/search: a picture in, products out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.answering import answer, deadline
from api.asked import Asked, read_asked
from api.product_pictures import main_picture
from api.query import MAX_K
from api.serving import Serving, serving
from api.shapes import SearchShape
from api.timing import Stages, server_timing

router = APIRouter(prefix="/v1", tags=["search"])

_FIELDS: dict[str, Any] = {
    "k": {"type": "integer", "minimum": 1, "maximum": MAX_K, "default": 12},
    "region": {"type": "string", "description": "left,top,right,bottom as fractions, or pixels above 1"},
    "filter": {"type": "string", "description": "JSON object: what products must have"},
    "group": {"type": "boolean", "default": True, "description": "one hit a product, not one an image"},
    "require_full_coverage": {"type": "boolean", "default": False},
}
_PICTURE = {"type": "string", "format": "binary"}
# The body is read as it arrives, so the framework cannot derive its description.
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {"type": "object", "required": ["image"], "properties": {"image": _PICTURE, **_FIELDS}}
        },
        "image/*": {"schema": _PICTURE},
        "application/octet-stream": {"schema": _PICTURE},
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "image_base64": {"type": "string"},
                    "product_id": {"type": "string"},
                    **_FIELDS,
                    "region": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
                    "filter": {"type": "object"},
                },
            }
        },
    },
}
_PARAMETERS = [{"name": name, "in": "query", "schema": schema} for name, schema in _FIELDS.items()]


@router.post(
    "/search",
    summary="Products that look like a picture",
    response_model=SearchShape,
    openapi_extra={"requestBody": _BODY, "parameters": _PARAMETERS},
)
async def search(
    request: Request, response: Response, app: Annotated[Serving, Depends(serving)]
) -> SearchShape:
    """An image as multipart or raw body, or JSON with `image_base64` or `product_id`.

    A raw body takes the fields as query parameters. `region` is left,top,right,bottom.
    """
    app.queries.check()  # before the body is read
    with app.upload_bytes.lease() as held:
        asked = await read_asked(request, held, app.max_picture_bytes)
        stages = Stages()  # from here on the time is ours, before it was the client's line
        async with deadline(app) as ends:
            picture = await _picture(app, asked)
            result = await answer(app, picture, asked.query, ends, stages)
    response.headers["Server-Timing"] = server_timing(result.milliseconds)
    response.headers["Cache-Control"] = "no-store"
    return SearchShape.of(result, result.hits)


async def _picture(app: Serving, asked: Asked) -> bytes:
    if asked.picture is not None:
        return asked.picture
    assert asked.product_id is not None
    return await main_picture(app, asked.product_id)
