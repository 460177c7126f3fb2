"""POST /v1/embed: a picture's embedding by the serving encoder."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.answering import deadline, decoded_for
from api.asked import read_asked
from api.product_pictures import main_picture
from api.serving import Serving, serving
from api.timing import Stages, server_timing
from search.encoder import Encoder

router = APIRouter(prefix="/v1", tags=["search"])


class EmbedShape(BaseModel):
    """An embedding of unit length; comparable only with those of the same encoder (its fingerprint)."""

    embedding: list[float]
    dimension: int
    encoder: str
    timings: dict[str, float]


@router.post(
    "/embed",
    summary="The embedding of a picture",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def embed(
    request: Request, response: Response, app: Annotated[Serving, Depends(serving)]
) -> EmbedShape:
    """Bodies and `region` as in `POST /v1/search`."""
    app.queries.check()  # before the body is read
    with app.upload_bytes.lease() as held:
        asked = await read_asked(request, held, app.max_picture_bytes)
        stages = Stages()
        async with deadline(app) as ends:
            picture = asked.picture or await main_picture(app, asked.product_id or "")
            generation = app.searcher.snapshot()
            decoded = await decoded_for(app, generation, picture, asked.query, stages)
            encoder = Encoder(app.searcher.server, generation.encoder)
            with stages.measure("encode"):
                await encoder.check_fingerprint(deadline_s=ends - time.monotonic())
                vectors = await encoder.encode(decoded.pixels[None], deadline_s=ends - time.monotonic())
    milliseconds = stages.milliseconds()
    response.headers["Server-Timing"] = server_timing(milliseconds)
    response.headers["Cache-Control"] = "no-store"
    return EmbedShape(
        embedding=[float(value) for value in vectors[0]],
        dimension=generation.encoder.dimension,
        encoder=generation.encoder.fingerprint,
        timings=milliseconds,
    )
