"""Which photographs a product has: brought in line with its links and what was fetched for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from catalog.changes import tell
from catalog.ids import image_id
from catalog.schema import images, links, pictures, products, sources


def reconcile(connection: Connection, ids: Sequence[str]) -> int:
    """Make the images of these products what their links say; running it again changes nothing.

    A link counts when its address has given a usable picture, now or earlier. Two links of one product
    with the same bytes are one image, at the first position.

    Returns:
        How many images were added, removed or moved.
    """
    wanted = _wanted(connection, ids)
    there = {row.id: row for row in connection.execute(select(images).where(images.c.product_id.in_(ids)))}
    added = [row for key, row in wanted.items() if key not in there]
    back = [row for key, row in wanted.items() if key in there and there[key].deleted_at is not None]
    moved = [
        row
        for key, row in wanted.items()
        if key in there
        and there[key].deleted_at is None
        and (there[key].position, there[key].source) != (row["position"], row["source"])
    ]
    gone = [row for key, row in there.items() if key not in wanted and row.deleted_at is None]
    if added:
        connection.execute(insert(images), added)
    if back or moved:
        statement = update(images).where(images.c.id == bindparam("_id"))
        statement = statement.values(
            position=bindparam("_position"), source=bindparam("_source"), deleted_at=None
        )
        connection.execute(
            statement,
            [{"_id": r["id"], "_position": r["position"], "_source": r["source"]} for r in (*back, *moved)],
        )
    if gone:
        removed = update(images).where(images.c.id.in_([row.id for row in gone]))
        connection.execute(removed.values(deleted_at=datetime.now(UTC)))
    tell(connection, "image", "delete", [(row.product_id, row.id) for row in gone])
    tell(connection, "image", "upsert", [(row["product_id"], row["id"]) for row in (*added, *back)])
    tell(connection, "product", "upsert", [(row["product_id"], None) for row in moved])
    return len(added) + len(back) + len(moved) + len(gone)


def _wanted(connection: Connection, ids: Sequence[str]) -> dict[int, dict[str, Any]]:
    statement = (
        select(links.c.product_id, links.c.position, links.c.address, sources.c.sha256)
        .join_from(links, sources, sources.c.address == links.c.address)
        .join(pictures, pictures.c.sha256 == sources.c.sha256)
        .join(products, products.c.id == links.c.product_id)
        .where(links.c.product_id.in_(ids), products.c.deleted_at.is_(None))
        .order_by(links.c.product_id, links.c.position)
    )
    wanted: dict[int, dict[str, Any]] = {}
    for row in connection.execute(statement):
        key = image_id(row.product_id, row.sha256)
        wanted.setdefault(
            key,
            {
                "id": key,
                "product_id": row.product_id,
                "sha256": row.sha256,
                "position": row.position,
                "source": row.address,
            },
        )
    return wanted
