"""`visionseek catalog export`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click

from catalog.edge import catalog_of, progress_bars
from catalog.pictures import Pictures
from visionseek import output
from visionseek.errors import InputError
from visionseek.settings import load_settings
from visionseek.vocabulary import Product

FIELDS = (
    "id",
    "title",
    "category",
    "price",
    "currency",
    "metal",
    "stone",
    "shape",
    "setting",
    "karat",
    "description",
)
COLUMNS = (*FIELDS, "link", "availability", "image_link", "additional_image_link", "attributes")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@output.json_option
def export(file: Path, *, as_json: bool) -> None:
    """Write every live product to FILE, a feed that `import` reads: .csv, or .jsonl for JSON Lines.

    Pictures are links into the picture store, so importing it elsewhere needs --allow-files.
    """
    settings = load_settings()
    lines = _as_json if file.suffix in {".jsonl", ".ndjson"} else _as_csv
    count = 0
    with catalog_of(settings) as (catalog, store), progress_bars() as progress:
        total = catalog.counts()["products"]

        def counted() -> Iterator[Product]:
            nonlocal count
            for product in catalog.all_products():
                count += 1
                if count % 1_000 == 0 or count == total:
                    progress("products", count, total)
                yield product

        partial = file.with_name(f".{file.name}.partial")
        try:
            with partial.open("w", encoding="utf-8", newline="") as stream:
                stream.writelines(lines(counted(), store))
            partial.replace(file)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise InputError(f"the file cannot be written: {error.strerror}", where=str(file)) from error
    if as_json:
        return output.emit_json({"products": count, "file": str(file)})
    return output.emit(f"{count:,} products in {file}")


def _record(product: Product, store: Pictures) -> dict[str, Any]:
    links = [store.address(image.sha256) for image in product.images]
    told = {name: getattr(product, name) for name in FIELDS}
    return told | {
        "link": product.url,
        "availability": "in stock" if product.in_stock else "out of stock",
        "image_link": links[0] if links else None,
        "additional_image_link": "|".join(links[1:]) or None,
    }


def _as_csv(shown: Iterable[Product], store: Pictures) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for product in shown:
        attributes = json.dumps(dict(product.attributes), ensure_ascii=False) if product.attributes else None
        writer.writerow(_record(product, store) | {"attributes": attributes})
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def _as_json(shown: Iterable[Product], store: Pictures) -> Iterator[str]:
    for product in shown:
        told = {name: value for name, value in _record(product, store).items() if value is not None}
        # An attribute may have a field's name: what the feed called the category. The field goes before it.
        yield json.dumps(dict(product.attributes) | told, ensure_ascii=False, default=str) + "\n"
