"""The feed of a rendered catalog: one row a product, its labels read off its description."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from catalog.render import listing
from catalog.render.description import Description
from catalog.render.views import kind_of
from visionseek.files import write_atomically

FILE_NAME = "feed.csv"
IMAGES = "images"
COLUMNS = (
    "id", "title", "category", "price", "currency", "metal", "stone", "shape", "setting", "prongs",
    "description", "image_link", "additional_image_link", "family", "varies", "style", "carat", "karat",
    "accent", "shank", "chain", "views",
)  # fmt: skip


def image_name(item: Description, view: int) -> str:
    """Path of a picture relative to the feed."""
    return f"{IMAGES}/{item.id}-{view}.jpg"


def row(item: Description, views: int) -> dict[str, str]:
    """The feed row of a product with this many pictures; unknown values are empty."""
    names = [image_name(item, view) for view in range(views)]
    return {
        "id": item.id,
        "title": listing.title(item),
        "category": item.category,
        "price": str(listing.price(item)),
        "currency": "USD",
        "metal": item.metal,
        "stone": item.stone,
        "shape": item.shape,
        "setting": item.setting,
        "prongs": str(item.prongs or ""),
        "description": listing.text(item),
        "image_link": names[0],
        "additional_image_link": ",".join(names[1:]),
        "family": item.family,
        "varies": item.varies,
        "style": item.style,
        "carat": f"{item.carat:g}" if item.carat else "",
        "karat": str(item.karat or ""),
        "accent": item.accent,
        "shank": item.shank,
        "chain": item.chain,
        "views": ",".join(kind_of(item, view) for view in range(views)),
    }


def write_feed(folder: Path, items: Iterable[Description], views: int) -> None:
    """Write `folder/feed.csv` atomically."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row(item, views) for item in items)
    write_atomically(folder / FILE_NAME, text.getvalue().encode())
