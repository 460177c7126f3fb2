"""PUT and DELETE /v1/products/{id}: one product into the catalog, or out of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.limits import Lease
from api.multipart import MAX_FIELD_BYTES, picture_too_large, read_form
from api.problems import BODY_TOO_LARGE, INVALID_INPUT, MALFORMED, UNSUPPORTED_BODY, Problem
from api.product_pictures import find_product
from api.query import strict_json
from api.serving import Serving, serving
from api.shapes import ProductShape
from api.uploads import read_body, stream_body, upload_deadline
from catalog.single import Outcome

router = APIRouter(prefix="/v1/products", tags=["products"])

MAX_PICTURES = 8


class RemarkShape(BaseModel):
    """Something about a value or a picture that the caller should know; nothing is dropped in silence."""

    field: str
    reason: str
    value: str | None


class StoredShape(BaseModel):
    """The product as it is stored now."""

    product: ProductShape
    created: bool
    changed: bool
    remarks: list[RemarkShape]

    @classmethod
    def of(cls, outcome: Outcome) -> StoredShape:
        """What became of the product."""
        return cls(
            product=ProductShape.of(outcome.product),
            created=outcome.created,
            changed=outcome.changed,
            remarks=[RemarkShape(field=f.field, reason=f.reason, value=f.value) for f in outcome.findings],
        )


_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {"schema": {"type": "object"}},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    "product": {"type": "string", "description": "the fields as JSON"},
                    "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
                },
            }
        },
    },
}


@router.put("/{product_id:path}", summary="Create or replace a product", openapi_extra={"requestBody": _BODY})
async def put(
    product_id: str, request: Request, response: Response, app: Annotated[Serving, Depends(serving)]
) -> StoredShape:
    """Fields as JSON, or a form with them in `product` and up to eight picture files.

    Stored when answered, pictures included. Changed words show in answers at once; new pictures are found
    after the next `visionseek index refresh`.
    """
    with app.upload_bytes.lease() as held:
        fields, pictures = await _read(request, held, app.max_picture_bytes)
        if fields.setdefault("id", product_id) != product_id:
            raise Problem(INVALID_INPUT, f"id: the path says `{product_id[:255]}`, the body another one")
        outcome = await app.writer.put(fields, pictures)
    response.status_code = 201 if outcome.created else 200
    return StoredShape.of(outcome)


@router.delete("/{product_id:path}", summary="Delete a product", status_code=204)
async def delete(product_id: str, app: Annotated[Serving, Depends(serving)]) -> None:
    """It leaves answers at once."""
    await find_product(app, product_id)  # 404 for ids that a database would choke on
    await app.read(lambda: app.writer.delete(product_id))


async def _read(request: Request, held: Lease, most: int) -> tuple[dict[str, Any], list[bytes]]:
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    async with upload_deadline():
        if media_type == "application/json":
            too_large = Problem(
                BODY_TOO_LARGE,
                f"the product is longer than {MAX_FIELD_BYTES:,} bytes",
                limit={"max_field_bytes": MAX_FIELD_BYTES},
            )
            raw = await read_body(request, held, limit=MAX_FIELD_BYTES, refusal=too_large)
            return _object(raw), []
        if media_type == "multipart/form-data":
            room = MAX_PICTURES * most + 4 * MAX_FIELD_BYTES
            body = stream_body(request, held, limit=room, refusal=picture_too_large(most))
            form = await read_form(body, content_type, most, max_files=MAX_PICTURES)
            unknown = [name for name, _ in form.fields if name != "product"]
            if unknown or len(form.fields) > 1:
                raise Problem(INVALID_INPUT, "the form takes one field, `product`, and picture files")
            return (_object(form.fields[0][1]) if form.fields else {}), form.pictures
    raise Problem(UNSUPPORTED_BODY, "the body is neither application/json nor multipart/form-data")


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        found = strict_json(text)
    except ValueError as error:
        raise Problem(MALFORMED, f"the product is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Problem(INVALID_INPUT, "the product must be a JSON object")
    return found
