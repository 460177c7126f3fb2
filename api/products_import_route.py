"""POST /v1/products:import: a whole feed into the catalog."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from api.limits import Permits
from api.problems import BODY_TOO_LARGE, TOO_SLOW, Problem
from api.serving import Serving, serving
from api.uploads import stream_body
from catalog.feeds.opening import Format
from catalog.posting import Posted

router = APIRouter(prefix="/v1", tags=["products"])

MAX_FEED_BYTES = 256 * 2**20
UPLOAD_SECONDS = 300.0


class FindingShape(BaseModel):
    """One line of the report."""

    outcome: str
    line: int | None
    product_id: str | None
    field: str
    reason: str
    value: str | None


class ImportShape(BaseModel):
    """What the import did: accepted + merged + rejected = rows.

    `report` holds the first 1,000 findings of `findings`; `images` counts the photographs that the feed's
    products have now.
    """

    rows: int
    accepted: int
    merged: int
    rejected: int
    images: int
    broken_images: int
    findings: int
    report: list[FindingShape]

    @classmethod
    def of(cls, posted: Posted) -> ImportShape:
        """What became of the feed."""
        told = posted.summary
        return cls(
            rows=told.rows,
            accepted=told.accepted,
            merged=told.merged,
            rejected=told.rejected,
            images=told.images,
            broken_images=told.broken_images,
            findings=posted.found,
            report=[FindingShape(**finding._asdict()) for finding in posted.findings],
        )


_BODY: dict[str, Any] = {
    "required": True,
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post("/products:import", summary="Import a feed", openapi_extra={"requestBody": _BODY})
async def import_(
    request: Request,
    app: Annotated[Serving, Depends(serving)],
    name: Annotated[str, Query(max_length=200, pattern=r"^[\w .:/-]+$")] = "posted",
    format: Format | None = None,  # noqa: A002 -- the command's word
    encoding: Annotated[str | None, Query(max_length=40)] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$")] = None,
    delete_missing: bool = False,
) -> ImportShape:
    """The body is a feed as `visionseek catalog import` takes it; its Content-Type is not looked at.

    CSV, TSV, JSON, JSON Lines, Parquet or XML; packed with gzip or zstd, or not.
    Everything is stored when answered; sent again, it changes nothing. Pictures by link are not fetched here:
    `visionseek catalog import` does that, and a PUT takes picture files. One import runs at a time.
    """
    with app.imports.lease() as turn, tempfile.NamedTemporaryFile(prefix="visionseek-feed-") as file:
        turn.take()
        await _receive(request, file)
        posted = await app.read(
            lambda: app.writer.import_feed(
                Path(file.name),
                name=name,
                format=format,
                encoding=encoding,
                currency=currency,
                delete_missing=delete_missing,
            )
        )
    return ImportShape.of(posted)


async def _receive(request: Request, file: Any) -> None:
    too_large = Problem(
        BODY_TOO_LARGE,
        f"the feed is longer than {MAX_FEED_BYTES:,} bytes",
        mend="pack it with gzip, or import it with `visionseek catalog import`",
        limit={"max_feed_bytes": MAX_FEED_BYTES},
    )
    # It goes to the disk: no memory of the uploads' budget is taken.
    with Permits(MAX_FEED_BYTES, "bytes of a feed").lease() as held:
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                async for chunk in stream_body(request, held, limit=MAX_FEED_BYTES, refusal=too_large):
                    await asyncio.to_thread(file.write, chunk)
        except TimeoutError as error:
            raise Problem(
                TOO_SLOW,
                f"the feed did not arrive within {UPLOAD_SECONDS:g} s",
                limit={"upload_seconds": UPLOAD_SECONDS},
            ) from error
    await asyncio.to_thread(file.flush)
