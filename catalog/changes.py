"""What changes products: drafts in, the outbox told, in the transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Executable, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from catalog.drafts import Draft
from catalog.schema import images, links, outbox, products, sources

ROWS_A_STATEMENT = 200  # SQLite takes 32,766 values; no table here has more than 20 columns
_FIELDS = Draft._fields[:-1]  # links have a table of their own


def stored_digests(connection: Connection, ids: Sequence[str]) -> dict[str, str | None]:
    """Digest of each stored product of these ids; None for a tombstone, which counts as changed."""
    rows = ids_in(connection, "SELECT id, digest, deleted_at FROM products WHERE id IN {}", ids)
    return {name: None if deleted else digest for name, digest, deleted in rows}


def ids_in(connection: Connection, statement: str, ids: Sequence[str], *before: Any) -> list[Any]:
    """Rows of a SELECT over many ids, which stand for its last `{}`; earlier ones take the values `before`.

    The driver's own statement, like `insert_rows`.
    """
    if not ids:
        return []
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    text = statement.format(*[mark] * len(before), f"({', '.join([mark] * len(ids))})")
    return list(connection.exec_driver_sql(text, (*before, *ids)).all())


def upsert(connection: Connection, drafts: Sequence[Draft]) -> int:
    """Write drafts whose content is new or changed; each id at most once. Returns how many were.

    Pictures are not touched: `images.reconcile` does that when they have been fetched.

    Args:
        connection: of a `Catalog.writing` block.
        drafts: the products.
    """
    stored = stored_digests(connection, [draft.id for draft in drafts])
    sqlite_ = connection.dialect.name == "sqlite"
    told = [(draft, draft.digest()) for draft in drafts]
    written = [(draft, digest) for draft, digest in told if stored.get(draft.id) != digest]
    if not written:
        return 0
    fresh = [_row(draft, digest, sqlite=sqlite_) for draft, digest in written if draft.id not in stored]
    changed = [_row(draft, digest, sqlite=sqlite_) for draft, digest in written if draft.id in stored]
    if changed:
        names = [row[0] for row in changed]
        # Deleted and inserted again: the columns are the same, and a bulk insert is the fastest statement.
        connection.execute(delete(products).where(products.c.id.in_(names)))
        connection.execute(delete(links).where(links.c.product_id.in_(names)))
    insert_rows(connection, products, _COLUMNS, [*fresh, *changed])
    linked = [
        (draft.id, position, address) for draft, _ in written for position, address in enumerate(draft.links)
    ]
    insert_rows(connection, links, ("product_id", "position", "address"), linked)
    expect_sources(connection, {address for _, _, address in linked})
    tell(connection, "product", "upsert", [(draft.id, None) for draft, _ in written])
    return len(written)


def insert_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert plain rows. The driver's own statement: per row, SQLAlchemy's costs more than all the rest."""
    if not rows:
        return
    sqlite_ = connection.dialect.name == "sqlite"
    place = f"({', '.join(['?' if sqlite_ else '%s'] * len(columns))})"
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES "  # noqa: S608 -- our own names
    rest = 0
    if sqlite_:  # many rows a statement: SQLite then numbers, and steps through, a third faster
        rest = len(rows) - len(rows) % ROWS_A_STATEMENT
        several = statement + ", ".join([place] * ROWS_A_STATEMENT)
        for start in range(0, rest, ROWS_A_STATEMENT):
            values = chain.from_iterable(rows[start : start + ROWS_A_STATEMENT])
            connection.exec_driver_sql(several, tuple(values))
    if rest < len(rows):
        connection.exec_driver_sql(statement + place, list(map(tuple, rows[rest:])))


_COLUMNS = (*_FIELDS, "digest")
_TITLE, _PRICE, _IN_STOCK = (_COLUMNS.index(name) for name in ("title", "price", "in_stock"))


def _row(draft: Draft, digest: str, *, sqlite: bool) -> list[Any]:
    values: list[Any] = [*draft]
    values[-1] = digest  # in the place of the links
    if not draft.title:
        values[_TITLE] = draft.shown_title()
    in_stock = draft.in_stock is not False
    if (
        sqlite
    ):  # which keeps neither decimals nor truth values; its driver takes numbers far faster than these
        values[_IN_STOCK] = int(in_stock)
        if draft.price is not None:
            values[_PRICE] = str(draft.price)
    else:
        values[_IN_STOCK] = in_stock
    return values


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
    if kind == "product":  # has no image; what is left out costs nothing
        insert_rows(connection, outbox, _TOLD, [(kind, change, product) for product, _ in what])
    else:
        rows = [(kind, change, product, image) for product, image in what]
        insert_rows(connection, outbox, (*_TOLD, "image_id"), rows)


_TOLD = ("kind", "change", "product_id")
