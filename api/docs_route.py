"""GET /docs: what is served, from the app's own OpenAPI description."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.page_route import document, send

router = APIRouter()


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    """A page that reads /openapi.json."""
    return send(document("docs.html"))
