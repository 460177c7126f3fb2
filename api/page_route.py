"""GET /: the search page, one document with its style and scripts inside, and nothing from anywhere else."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.resources import files
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from api.serving import Serving, serving
from api.shapes import ImageShape
from visionseek.vocabulary import Product

router = APIRouter()

_STYLE = re.compile(r'<link rel="stylesheet" href="([a-z_]+\.css)">')
_SCRIPT = re.compile(r'<script src="([a-z_]+\.js)"></script>')
_SAMPLES = 6
_LOOKED_THROUGH = 600


class Document(BaseModel):
    """A page ready to send, with the policy that lets exactly its own style and scripts run."""

    html: str
    policy: str


class SampleShape(BaseModel):
    """A catalog picture that a newcomer can search with."""

    title: str
    image: ImageShape


@functools.cache
def document(name: str) -> Document:
    """The page `name` of the folder `page/`, everything it links to put inside."""
    folder = files("api") / "page"
    hashes: dict[str, list[str]] = {"style": [], "script": []}

    def put_inside(tag: str, name: str) -> str:
        text = (folder / name).read_text("utf-8")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        hashes[tag].append(f"'sha256-{digest}'")
        return f"<{tag}>{text}</{tag}>"

    html = (folder / name).read_text("utf-8")
    html = _STYLE.sub(lambda found: put_inside("style", found[1]), html)
    html = _SCRIPT.sub(lambda found: put_inside("script", found[1]), html)
    policy = (
        f"default-src 'none'; script-src {' '.join(hashes['script'])}; "
        f"style-src {' '.join(hashes['style'])}; "
        "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return Document(html=html, policy=policy)


def send(page: Document, html: str | None = None) -> Response:
    """The page as a response."""
    headers = {"Content-Security-Policy": page.policy, "Cache-Control": "no-cache"}
    return Response(html or page.html, headers=headers, media_type="text/html")


@router.get("/", include_in_schema=False)
async def search_page(app: Annotated[Serving, Depends(serving)]) -> Response:
    """The page knows the upload limit, so that it need not send what would be refused."""
    page = document("search.html")
    return send(page, page.html.replace("{{max_bytes}}", str(app.max_picture_bytes)))


@router.get("/page/samples", include_in_schema=False)
async def samples(app: Annotated[Serving, Depends(serving)]) -> list[SampleShape]:
    """A few catalog pictures of different categories."""
    return await app.read(lambda: _choose(app))


def _choose(app: Serving) -> list[SampleShape]:
    by_category: dict[str | None, list[Product]] = {}
    for product in islice(app.catalog.all_products(), _LOOKED_THROUGH):
        if product.images:
            by_category.setdefault(product.category, []).append(product)
    # One of each category, then a second of each: what lies in the middle is as good as any.
    chosen = [
        group[len(group) * turn // 4]
        for turn in (2, 1, 3)
        for group in by_category.values()
        if len(group) > turn
    ] or [group[0] for group in by_category.values()]
    distinct = list({product.id: product for product in chosen}.values())[:_SAMPLES]
    # A view that is not the main one makes a search of it more than a look-up.
    return [SampleShape(title=p.title, image=ImageShape.of(p.images[-1])) for p in distinct]
