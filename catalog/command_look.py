"""`visionseek catalog show | stats | validate`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select

from catalog.database import Catalog
from catalog.edge import catalog_of, progress_bars
from catalog.schema import imports, products
from catalog.single import get_product
from catalog.validating import validate as check
from visionseek import output
from visionseek.errors import ArtifactError
from visionseek.settings import load_settings
from visionseek.vocabulary import Product

COLUMNS = ("category", "metal", "stone", "shape", "setting", "currency")


@click.command()
@click.argument("product_id", metavar="ID")
@output.json_option
def show(product_id: str, *, as_json: bool) -> None:
    """Show the product ID as the catalog has it, with its images."""
    settings = load_settings()
    with catalog_of(settings) as (catalog, store):
        product = get_product(catalog, product_id)
    if as_json:
        return output.emit_json(_plain(product))
    for name, value in _plain(product).items():
        if name not in {"images", "attributes"} and value not in {None, ""}:
            output.emit(f"{name:12} {value}")
    for name, text in sorted(product.attributes.items()):
        output.emit(f"  {name}: {text}")
    for image in product.images:
        output.emit(f"image {image.id}  {store.address(image.sha256)}  from {image.source}")
    return None


@click.command()
@output.json_option
def stats(*, as_json: bool) -> None:
    """Count products, images and what they are; list the last imports."""
    settings = load_settings()
    with catalog_of(settings) as (catalog, _):
        found: dict[str, Any] = {**catalog.counts(), **_by_column(catalog), "imports": _imports(catalog)}
    if as_json:
        return output.emit_json(found)
    for name, value in found.items():
        if isinstance(value, int):
            output.emit(f"{name:18} {value:,}")
    for column in COLUMNS:
        shown = ", ".join(f"{word} {count:,}" for word, count in found[column].items())
        output.emit(f"{column:18} {shown}")
    table = Table("feed", "state", "rows", "accepted", "merged", "rejected", title="Last imports")
    for run in found["imports"]:
        table.add_row(
            escape(run["feed"]),
            run["state"],
            *(f"{run[name]:,}" for name in ("rows", "accepted", "merged", "rejected")),
        )
    output.console.print(table)
    return None


@click.command()
@output.json_option
def validate(*, as_json: bool) -> None:
    """Check that every image has its picture, whole, and that the tables agree; exit 1 where they do not."""
    settings = load_settings()
    with catalog_of(settings) as (catalog, store), progress_bars() as progress:
        problems = check(catalog, store, lambda done, total: progress("pictures", done, total))
    if as_json:
        output.emit_json({"valid": not problems, "problems": problems})
    else:
        for problem in problems:
            output.emit(problem)
    if problems:
        where = str(Path(settings.data).absolute())
        raise ArtifactError(
            f"{len(problems)} problems", where=where, mend="import the feeds again: it mends them"
        )
    if not as_json:
        output.emit("valid")


def _plain(product: Product) -> dict[str, Any]:
    return {**asdict(product), "attributes": dict(product.attributes)}


def _by_column(catalog: Catalog) -> dict[str, dict[str, int]]:
    found = {}
    with catalog.engine.connect() as connection:
        for name in COLUMNS:
            column = products.c[name]
            statement = select(column, func.count()).where(products.c.deleted_at.is_(None)).group_by(column)
            rows = connection.execute(statement.order_by(func.count().desc(), column)).all()
            found[name] = {value or "unknown": count for value, count in rows}
    return found


def _imports(catalog: Catalog) -> list[dict[str, Any]]:
    with catalog.engine.connect() as connection:
        rows = connection.execute(select(imports).order_by(imports.c.id.desc()).limit(10)).mappings().all()
    return [{name: value for name, value in row.items() if name != "fingerprint"} for row in rows]
