"""GET /v1/products/{id} and what is similar to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.answering import answer, deadline
from api.product_pictures import find_product, main_picture
from api.query import parse_query
from api.serving import Serving, serving
from api.shapes import ProductShape, SearchShape
from api.timing import Stages, server_timing

router = APIRouter(prefix="/v1/products", tags=["products"])

# A shop's ids may hold slashes, hence `:path`; the longer route stands first.


@router.get("/{product_id:path}/similar", summary="Products that look like one of the catalog")
async def similar(
    product_id: str, request: Request, response: Response, app: Annotated[Serving, Depends(serving)]
) -> SearchShape:
    """By the product's main picture, the product itself left out. Fields as in `POST /v1/search`."""
    query = parse_query(request.query_params.multi_items())
    stages = Stages()
    async with deadline(app) as ends:
        picture = await main_picture(app, product_id)
        wider = query.model_copy(update={"k": query.k + 1})  # for the product finds itself
        result = await answer(app, picture, wider, ends, stages)
    response.headers["Server-Timing"] = server_timing(result.milliseconds)
    others = [hit for hit in result.hits if hit.product.id != product_id]
    return SearchShape.of(result, others[: query.k])


@router.get("/{product_id:path}", summary="One product")
async def product(product_id: str, app: Annotated[Serving, Depends(serving)]) -> ProductShape:
    """As the catalog has it now."""
    return ProductShape.of(await find_product(app, product_id))
