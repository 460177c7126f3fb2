"""GET /v1/index: which generation answers, by which encoder, over how much."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.serving import Serving, serving

router = APIRouter(prefix="/v1", tags=["operation"])


class ShardShape(BaseModel):
    """A shard: model and version in Triton, and how many images it holds."""

    model: str
    version: int
    images: int


class EncoderShape(BaseModel):
    """The encoder of query and catalog."""

    model: str
    version: int
    fingerprint: str
    dimension: int
    image_size: int
    pixel_rule: str


class IndexShape(BaseModel):
    """The serving generation, and what the catalog counts now."""

    generation: int
    created: str
    encoder: EncoderShape
    shards: list[ShardShape]
    images: int
    catalog: dict[str, int]


@router.get("/index", summary="The serving generation")
async def index(app: Annotated[Serving, Depends(serving)]) -> IndexShape:
    """`images` are those of the shards; `catalog` may be ahead of them until the next generation."""
    pointer = app.searcher.snapshot()
    counts = await app.read(app.catalog.counts)
    return IndexShape(
        generation=pointer.generation,
        created=pointer.created,
        encoder=EncoderShape.model_validate(
            pointer.encoder.model_dump(include=set(EncoderShape.model_fields))
        ),
        shards=[ShardShape.model_validate(shard.model_dump()) for shard in pointer.shards],
        images=pointer.images,
        catalog=dict(counts),
    )
