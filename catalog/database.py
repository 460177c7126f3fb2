"""The catalog database: the truth about products. Reads stand here; what changes it is in `changes`."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, Row, Select, func, insert, select
from sqlalchemy.sql.selectable import FromClause

from catalog.engine import open_engine
from catalog.schema import embeddings, images, outbox, pictures, products, sources
from visionseek.vocabulary import Product, ProductImage

AT_ONCE = 10_000  # ids in one statement; SQLite takes 32,766 parameters
PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the outbox: product or image, upserted or deleted, in the order it was committed."""

    seq: int
    kind: Literal["product", "image"]
    change: Literal["upsert", "delete"]
    product_id: str
    image_id: int | None


class Catalog:
    """Products, their images and what changed; each call is one transaction, from any thread."""

    def __init__(self, engine: Engine) -> None:
        """Wrap an engine whose tables are up to date; `Catalog.open` is the usual way."""
        self.engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open, create or migrate the database at a SQLAlchemy URL.

        Raises:
            SettingsError: not a database URL, or its driver is missing.
            Unavailable: it does not answer.
            ArtifactError: not a catalog, or one of a newer version.
        """
        return cls(open_engine(url))

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction: all of it or nothing; acknowledged when the block ends without an error.

        Writers go one after the other, so that the numbers of the outbox commit in their order and a
        reader that remembers the last number misses nothing.

        Raises:
            Unavailable: the database does not take it; nothing of the block is kept.
        """
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            if self.engine.dialect.name == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(OUTBOX_LOCK)))
            yield connection

    def products(self, ids: Collection[str]) -> dict[str, Product]:
        """Live products by id with their images, in one round trip; unknown ids are left out."""
        found: dict[str, Product] = {}
        with self.engine.connect() as connection:
            for part in _parts(ids):
                rows = connection.execute(_with_images().where(products.c.id.in_(part)))
                found.update(_assemble(rows.all()))
        return found

    def products_by_image(self, image_ids: Collection[int]) -> dict[int, Product]:
        """The live product that each live image shows, with all images of it, in one round trip.

        Args:
            image_ids: ids as shards answer with; unknown and deleted ones are left out of the answer.
        """
        hit = images.alias("hit")
        found: dict[int, Product] = {}
        with self.engine.connect() as connection:
            for part in _parts(image_ids):
                owners = select(hit.c.product_id).where(hit.c.id.in_(part), hit.c.deleted_at.is_(None))
                rows = connection.execute(_with_images().where(products.c.id.in_(owners))).all()
                wanted = set(part)
                for product in _assemble(rows).values():
                    found.update({image.id: product for image in product.images if image.id in wanted})
        return found

    def images(self) -> Iterator[tuple[ProductImage, Product]]:
        """Every live image with its product, whose own `images` stay empty; by image id, streaming."""
        last = -1
        with self.engine.connect() as connection:
            while True:
                statement = (
                    select(*_IMAGE_COLUMNS, *_PRODUCT_COLUMNS)
                    .join_from(images, products, products.c.id == images.c.product_id)
                    .where(images.c.id > last, images.c.deleted_at.is_(None), products.c.deleted_at.is_(None))
                    .order_by(images.c.id)
                    .limit(PAGE)
                )
                rows = connection.execute(statement).all()
                for row in rows:
                    yield _image(row), _product(row, ())
                if len(rows) < PAGE:
                    return
                last = rows[-1].image_id

    def all_products(self) -> Iterator[Product]:
        """Every live product with its images, ordered by id, streaming."""
        last = ""
        with self.engine.connect() as connection:
            while True:
                page = select(products.c.id).where(products.c.id > last, products.c.deleted_at.is_(None))
                page = page.order_by(products.c.id).limit(PAGE)
                ids = connection.scalars(page).all()
                if not ids:
                    return
                found = _assemble(connection.execute(_with_images().where(products.c.id.in_(ids))).all())
                yield from (found[name] for name in ids if name in found)
                last = ids[-1]

    def counts(self) -> dict[str, int]:
        """How many live products and images, stored pictures, broken links, tombstones and open changes."""
        live = products.c.deleted_at.is_(None)
        shown = images.join(products, products.c.id == images.c.product_id)
        with self.engine.connect() as connection:
            return {
                "products": _count(connection, products, live),
                "images": _count(connection, shown, live, images.c.deleted_at.is_(None)),
                "pictures": _count(connection, pictures),
                "broken_links": _count(connection, sources, sources.c.state == "broken"),
                "deleted_products": _count(connection, products, ~live),
                "changes": _count(connection, outbox),
            }

    def changes(self, after: int = 0, limit: int = 1_000) -> list[Change]:
        """The outbox past number `after`, oldest first; its reader remembers the last number it handled."""
        statement = select(outbox).where(outbox.c.seq > after).order_by(outbox.c.seq).limit(limit)
        with self.engine.connect() as connection:
            return [Change(*row) for row in connection.execute(statement)]

    def forget_changes(self, upto: int) -> int:
        """Drop handled changes, numbers up to and including `upto`; returns how many."""
        with self.writing() as connection:
            return connection.execute(outbox.delete().where(outbox.c.seq <= upto)).rowcount

    def images_to_embed(self, fingerprint: str, limit: int = PAGE) -> list[ProductImage]:
        """Live images that the encoder of this fingerprint has not embedded yet, ordered by id."""
        done = select(embeddings.c.image_id).where(embeddings.c.fingerprint == fingerprint)
        statement = (
            select(*_IMAGE_COLUMNS)
            .join_from(images, products, products.c.id == images.c.product_id)
            .where(images.c.deleted_at.is_(None), products.c.deleted_at.is_(None), images.c.id.not_in(done))
            .order_by(images.c.id)
            .limit(limit)
        )
        with self.engine.connect() as connection:
            return [_image(row) for row in connection.execute(statement)]

    def mark_embedded(self, image_ids: Collection[int], fingerprint: str) -> None:
        """Record that these images have embeddings of the encoder of this fingerprint."""
        now = datetime.now(UTC)
        with self.writing() as connection:
            for part in _parts(image_ids):
                known = select(embeddings.c.image_id).where(
                    embeddings.c.fingerprint == fingerprint, embeddings.c.image_id.in_(part)
                )
                fresh = set(part) - set(connection.scalars(known))
                rows = [
                    {"image_id": i, "fingerprint": fingerprint, "embedded_at": now} for i in sorted(fresh)
                ]
                if rows:
                    connection.execute(insert(embeddings), rows)


OUTBOX_LOCK = 0x6F757462

_PRODUCT_COLUMNS = [products.c[name] for name in (
    "title", "category", "price", "currency", "metal", "stone", "shape", "setting", "karat", "description",
    "url", "in_stock", "attributes",
)]  # fmt: skip
_IMAGE_COLUMNS = [
    images.c.id.label("image_id"),
    images.c.product_id,
    images.c.sha256,
    images.c.position,
    images.c.source,
]


def _with_images() -> Select[Any]:
    joined = products.outerjoin(
        images, (images.c.product_id == products.c.id) & images.c.deleted_at.is_(None)
    )
    return (
        select(products.c.id, *_PRODUCT_COLUMNS, *_IMAGE_COLUMNS)
        .select_from(joined)
        .where(products.c.deleted_at.is_(None))
        .order_by(products.c.id, images.c.position, images.c.id)
    )


def _assemble(rows: Sequence[Row[Any]]) -> dict[str, Product]:
    shown: dict[str, list[ProductImage]] = {}
    first: dict[str, Row[Any]] = {}
    for row in rows:
        first.setdefault(row.id, row)
        pictures_of = shown.setdefault(row.id, [])
        if row.image_id is not None:
            pictures_of.append(_image(row))
    return {name: _product(row, tuple(shown[name])) for name, row in first.items()}


def _image(row: Row[Any]) -> ProductImage:
    return ProductImage(row.image_id, row.product_id, row.sha256, row.position, row.source)


def _product(row: Row[Any], pictures_of: tuple[ProductImage, ...]) -> Product:
    names = [column.name for column in _PRODUCT_COLUMNS if column.name != "attributes"]
    fields = {name: getattr(row, name) for name in names}
    owner = row.id if "id" in row._fields else row.product_id
    return Product(id=owner, **fields, attributes=json.loads(row.attributes), images=pictures_of)


def _count(connection: Connection, table: FromClause, *conditions: Any) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def _parts(ids: Collection[Any]) -> Iterator[list[Any]]:
    unique = iter(dict.fromkeys(ids))
    while part := list(islice(unique, AT_ONCE)):
        yield part
