"""One product at a time: what `PUT`, `GET` and `DELETE /v1/products/{id}` do, by the code of the import."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from catalog.changes import delete_products, upsert
from catalog.checking import look
from catalog.database import Catalog
from catalog.drafting import Drafter
from catalog.drafts import Draft, Finding, Row
from catalog.feeds.values import flatten
from catalog.gathering import Fetch, Result, Source, fetch_all, record
from catalog.images import reconcile
from catalog.mapping import GUESSES, ColumnMapping, guess
from catalog.merging import is_empty
from catalog.pictures import Pictures
from catalog.schema import products, sources
from visionseek.errors import InputError, NotFound
from visionseek.pixels import ImageLimits
from visionseek.vocabulary import Product

# The API's own field names, which are those of `Product`; anything else is guessed as in a feed.
FIELDS: dict[str, tuple[str, ...]] = {name: (name,) for name in GUESSES}


@dataclass(frozen=True)
class Outcome:
    """What became of one product.

    Attributes:
        product: as it is stored now.
        created: there was no live product of this id before.
        changed: anything is different now.
        findings: remarks on values, and pictures that cannot be used.
    """

    product: Product
    created: bool
    changed: bool
    findings: tuple[Finding, ...]


async def put_product(
    catalog: Catalog,
    store: Pictures,
    fields: Mapping[str, Any],
    *,
    pictures: Sequence[bytes] = (),
    fetch: Fetch | None = None,
    limits: ImageLimits | None = None,
) -> Outcome:
    """Create or replace a product; when this returns it is stored, pictures included.

    Args:
        catalog: the database.
        store: where pictures are kept.
        fields: `id` and what is known: `title`, `category`, `price`, `images` (links), ...; values as in
            JSON. Names that a feed would use are understood, unknown ones become attributes.
        pictures: uploaded picture files; they come before linked ones.
        fetch: reads linked pictures; None leaves them unfetched, and says so in the findings.
        limits: of pictures.

    Raises:
        InputError: no id, or neither a title nor a picture.
        ImageRejected: an uploaded picture cannot be used; nothing is stored then.
    """
    limits = limits or ImageLimits()
    draft, findings = _draft(fields, has_pictures=bool(pictures))
    uploaded = [await asyncio.to_thread(_keep, store, data, limits) for data in pictures]
    draft = draft._replace(links=tuple(dict.fromkeys((*(r.address for r in uploaded), *draft.links))))
    linked = [address for address in draft.links if not address.startswith(UPLOAD)]
    fetched = await _fetch(catalog, store, linked, fetch, limits)
    return await asyncio.to_thread(_write, catalog, draft, findings, [*uploaded, *fetched])


def get_product(catalog: Catalog, product_id: str) -> Product:
    """The live product of this id with its images.

    Raises:
        NotFound: there is none.
    """
    found = catalog.products([product_id])
    if product_id not in found:
        raise NotFound(f"no product {product_id!r}")
    return found[product_id]


def delete_product(catalog: Catalog, product_id: str) -> None:
    """Delete a product and its images; they leave answers at once, and the index with its next change.

    Raises:
        NotFound: there is none.
    """
    with catalog.writing() as connection:
        if not delete_products(connection, [product_id]):
            raise NotFound(f"no product {product_id!r}")


UPLOAD = "upload:"


def _draft(fields: Mapping[str, Any], *, has_pictures: bool) -> tuple[Draft, list[Finding]]:
    row = Row(0, flatten(fields))
    own = {name: columns for name, columns in FIELDS.items() if columns[0] in row.fields}
    used = {name for columns in own.values() for name in columns}
    guessed = guess(column for column in row.fields if column not in used)
    mapping = ColumnMapping({**guessed.columns, **own})
    draft, findings = Drafter(mapping).draft(row)
    findings = [finding._replace(line=None) for finding in findings]
    if draft is None:
        raise InputError(findings[0].reason, where=findings[0].field, mend="give the product an id")
    if is_empty(draft) and not has_pictures:
        raise InputError("neither a title nor a picture", where=draft.id, mend="give it one of them")
    return draft, findings


def _keep(store: Pictures, data: bytes, limits: ImageLimits) -> Result:
    shown = look(data, limits)
    sha256 = store.put(data)
    return Result(f"{UPLOAD}{sha256}", "good", sha256, size=len(data), phash=shown.phash)


async def _fetch(
    catalog: Catalog, store: Pictures, addresses: list[str], fetch: Fetch | None, limits: ImageLimits
) -> list[Result]:
    if not addresses:
        return []
    known = await asyncio.to_thread(_known, catalog, addresses)
    if fetch is None:
        return [
            Result(address, "broken", known[address].sha256, reason="links are not fetched here")
            for address in addresses
            if known[address].sha256 is None
        ]
    async with fetch:
        with ThreadPoolExecutor(1) as lookers:
            return await fetch_all([known[address] for address in addresses], store, fetch, limits, lookers)


def _known(catalog: Catalog, addresses: list[str]) -> dict[str, Source]:
    columns = [sources.c[name] for name in Source._fields]
    with catalog.engine.connect() as connection:
        rows = connection.execute(select(*columns).where(sources.c.address.in_(addresses)))
        return {address: Source(address) for address in addresses} | {
            row.address: Source(*row) for row in rows
        }


def _write(catalog: Catalog, draft: Draft, findings: list[Finding], results: list[Result]) -> Outcome:
    with catalog.writing() as connection:
        live = select(products.c.id).where(products.c.id == draft.id, products.c.deleted_at.is_(None))
        created = connection.scalar(live) is None
        changed = upsert(connection, [draft])
        record(connection, results)
        changed += reconcile(connection, [draft.id])
    broken = [
        Finding(None, draft.id, "broken_image", "images", result.reason or "", result.address)
        for result in results
        if result.state == "broken"
    ]
    return Outcome(get_product(catalog, draft.id), created, changed > 0, (*findings, *broken))
