"""The tables of the catalog database. Migrations make them; this file says what they hold.

products ──< links >── sources ── pictures   a link is "this product, this position, this address";
    │                              │         a source is one address, fetched once;
    │                              │         a picture is one content, stored once
    └────────< images >────────────┘         an image is one usable photograph of one product
imports ──< seen, findings                   one run over one feed: what it met, what it has to report
outbox                                       what changed, in order, for the indexer to follow
embeddings                                   which image has been embedded by which encoder
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData()

# SQLite only numbers rows by itself where the key is spelt INTEGER.
RowNumber = BigInteger().with_variant(Integer(), "sqlite")


class Price(TypeDecorator[Decimal]):
    """An exact decimal: NUMERIC in PostgreSQL; text in SQLite, whose numbers are binary floats."""

    impl = Numeric(18, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text for SQLite."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(32))
        return dialect.type_descriptor(Numeric(18, 4))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Decimal to what the column stores."""
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """What the column stores to Decimal, without the zeros that NUMERIC(18, 4) adds."""
        del dialect
        if value is None:
            return None
        price = Decimal(value)
        cents = price.quantize(Decimal("0.01"))
        return cents if price == cents else price.normalize()


class Moment(TypeDecorator[datetime]):
    """A point in time, always UTC and aware; SQLite would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Put the zone back."""
        del dialect
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


products = Table(
    "products",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("title", Text, nullable=False),
    Column("category", String(64)),
    Column("price", Price),
    Column("currency", String(3)),
    Column("metal", String(64)),
    Column("stone", String(64)),
    Column("shape", String(64)),
    Column("setting", String(64)),
    Column("karat", Integer),
    Column("description", Text, nullable=False),
    Column("url", Text),
    Column("in_stock", Boolean, nullable=False),
    Column("attributes", Text, nullable=False),  # JSON object of texts, keys sorted
    Column("digest", String(32), nullable=False),  # of all fields above and the links: equal means unchanged
    Column("deleted_at", Moment),  # tombstone: kept, so that a late reader learns of the deletion
)

links = Table(
    "links",
    metadata,
    Column("product_id", String(255), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("address", Text, nullable=False, index=True),
)

sources = Table(
    "sources",
    metadata,
    Column("address", Text, primary_key=True),
    Column("state", String(8), nullable=False, index=True),  # pending | good | broken
    Column("sha256", String(64)),  # the last content that was a usable picture; kept when a later fetch fails
    Column("etag", Text),
    Column("last_modified", Text),
    Column("reason", Text),
    Column("fetched_at", Moment),
)

pictures = Table(
    "pictures",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("bytes", Integer, nullable=False),
    Column("phash", BigInteger, nullable=False),  # 64-bit difference hash, as a signed number
)

images = Table(
    "images",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("product_id", String(255), nullable=False, index=True),
    Column("sha256", String(64), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("deleted_at", Moment),
)

embeddings = Table(
    "embeddings",
    metadata,
    Column("image_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fingerprint", String(64), primary_key=True),
    Column("embedded_at", Moment, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", RowNumber, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),  # product | image
    Column("change", String(8), nullable=False),  # upsert | delete
    Column("product_id", String(255), nullable=False),
    Column("image_id", BigInteger),
    sqlite_autoincrement=True,  # a number is never given twice, even after the outbox was emptied
)

imports = Table(
    "imports",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("feed", Text, nullable=False),
    Column(
        "fingerprint", String(64), nullable=False
    ),  # of the feed's content and mapping: resume only the same
    Column("state", String(8), nullable=False),  # running | done
    Column("rows", BigInteger, nullable=False),  # acknowledged: everything up to here is in the database
    Column("accepted", BigInteger, nullable=False),
    Column("merged", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    sqlite_autoincrement=True,
)

seen = Table(
    "seen",
    metadata,
    Column("import_id", BigInteger, primary_key=True, autoincrement=False),
    Column("product_id", String(255), primary_key=True),
    Column("line", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

findings = Table(
    "findings",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("import_id", BigInteger, nullable=False, index=True),
    Column("line", BigInteger),
    Column("product_id", Text),
    Column("outcome", String(16), nullable=False),  # merged | rejected | remark | broken_image | similar
    Column("field", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("value", Text),
    sqlite_autoincrement=True,
)

# Shards and product pages ask only for what lives.
Index(
    "images_live",
    images.c.id,
    sqlite_where=text("deleted_at IS NULL"),
    postgresql_where=text("deleted_at IS NULL"),
)
Index("pictures_phash", pictures.c.phash)
