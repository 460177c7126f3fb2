"""What changes products: drafts in, the outbox told, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Executable, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from catalog.drafts import Draft
from catalog.schema import images, links, outbox, products, sources

_FIELDS = Draft._fields[:-1]  # links have a table of their own


def stored_digests(connection: Connection, ids: Collection[str]) -> dict[str, str | None]:
    """Digest of each stored product of these ids; None for a tombstone, which counts as changed."""
    statement = select(products.c.id, products.c.digest, products.c.deleted_at).where(products.c.id.in_(ids))
    return {row.id: None if row.deleted_at else row.digest for row in connection.execute(statement)}


def upsert(connection: Connection, drafts: Sequence[Draft]) -> int:
    """Write drafts whose content is new or changed; each id at most once. Returns how many were.

    Pictures are not touched: `images.reconcile` does that when they have been fetched.
    """
    stored = stored_digests(connection, [draft.id for draft in drafts])
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    linked: list[dict[str, Any]] = []
    for draft in drafts:
        digest = draft.digest()
        if stored.get(draft.id) == digest:
            continue
        row = draft._asdict()
        del row["links"]
        row["in_stock"] = draft.in_stock is not False
        row["digest"] = digest
        (changed if draft.id in stored else fresh).append(row)
        linked += [
            {"product_id": draft.id, "position": position, "address": address}
            for position, address in enumerate(draft.links)
        ]
    if fresh:
        connection.execute(insert(products), fresh)
    if changed:
        names = [row["id"] for row in changed]
        values: dict[str, Any] = {name: bindparam(f"_{name}") for name in (*_FIELDS[1:], "digest")}
        statement = (
            update(products).where(products.c.id == bindparam("_id")).values(**values, deleted_at=None)
        )
        connection.execute(statement, [{f"_{name}": value for name, value in row.items()} for row in changed])
        connection.execute(delete(links).where(links.c.product_id.in_(names)))
    if linked:
        connection.execute(insert(links), linked)
        expect_sources(connection, {row["address"] for row in linked})
    tell(connection, "product", "upsert", [(row["id"], None) for row in (*fresh, *changed)])
    return len(fresh) + len(changed)


def delete_products(connection: Connection, ids: Collection[str]) -> int:
    """Leave tombstones for these products and their images; unknown and deleted ids are passed over."""
    now = datetime.now(UTC)
    live = select(products.c.id).where(products.c.id.in_(ids), products.c.deleted_at.is_(None))
    names = list(connection.scalars(live))
    if not names:
        return 0
    shown = select(images.c.product_id, images.c.id).where(
        images.c.product_id.in_(names), images.c.deleted_at.is_(None)
    )
    gone = [(row.product_id, row.id) for row in connection.execute(shown)]
    connection.execute(update(products).where(products.c.id.in_(names)).values(deleted_at=now))
    connection.execute(
        update(images).where(images.c.id.in_([image for _, image in gone])).values(deleted_at=now)
    )
    tell(connection, "image", "delete", gone)
    tell(connection, "product", "delete", [(name, None) for name in names])
    return len(names)


def expect_sources(connection: Connection, addresses: Iterable[str]) -> None:
    """Make sure that every picture address has its row; the ones that are known stay as they are."""
    rows = [{"address": address, "state": "pending"} for address in sorted(addresses)]
    if rows:
        connection.execute(insert_new(connection, sources), rows)


def insert_new(connection: Connection, table: Table) -> Executable:
    """An INSERT that passes over rows whose key is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def tell(connection: Connection, kind: str, change: str, what: Iterable[tuple[str, int | None]]) -> None:
    """Append changes to the outbox, in this order."""
    rows = [
        {"kind": kind, "change": change, "product_id": product, "image_id": image} for product, image in what
    ]
    if rows:
        connection.execute(insert(outbox), rows)
