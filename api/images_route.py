"""GET /v1/images/{id}: the stored picture of a catalog image, as it is or as a thumbnail."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from PIL import Image

from api.serving import Serving, serving
from visionseek.errors import NotFound
from visionseek.pixels import ImageLimits, open_image
from visionseek.pixels.sniff import sniff

router = APIRouter(prefix="/v1/images", tags=["products"])

_LARGEST_ID = 2**63 - 1
_DAY = "public, max-age=86400"
_QUALITY = 85


@router.get("/{image_id}", summary="The picture of a catalog image", response_class=Response)
async def image(
    image_id: str,
    request: Request,
    app: Annotated[Serving, Depends(serving)],
    size: Annotated[int | None, Query(ge=32, le=1024, description="longer side in pixels")] = None,
) -> Response:
    """The stored bytes; with `size` a JPEG no larger than that, made from them."""
    number = int(image_id) if image_id.isascii() and image_id.isdecimal() and len(image_id) <= 19 else -1
    if not 0 <= number <= _LARGEST_ID:
        raise NotFound("no such image: an image id is a whole number")
    products = await app.read(lambda: app.catalog.products_by_image([number]))
    shown = next((i for p in products.values() for i in p.images if i.id == number), None)
    if shown is None:
        raise NotFound(f"no image {number} in the catalog")
    tag = f'"{shown.sha256[:32]}{f"-{size}" if size else ""}"'
    headers = {"ETag": tag, "Cache-Control": _DAY}
    if tag in (
        given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")
    ):
        return Response(status_code=304, headers=headers)
    stored = await app.read(lambda: app.pictures.get(shown.sha256))
    if size is None:
        return Response(stored, headers=headers, media_type=f"image/{sniff(stored).lower()}")
    small = await app.decode(lambda: _thumbnail(stored, size, app.limits))
    return Response(small, headers=headers, media_type="image/jpeg")


def _thumbnail(stored: bytes, size: int, limits: ImageLimits) -> bytes:
    picture = open_image(stored, limits)
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=_QUALITY, progressive=True)
    return out.getvalue()
