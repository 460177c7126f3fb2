"""Products, links, sources, pictures, images, embeddings, outbox, imports, seen, findings."""

import sqlalchemy as sa
from alembic import op

from catalog.schema import Moment, Price, RowNumber

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

LIVE = sa.text("deleted_at IS NULL")


def upgrade() -> None:
    """Apply."""
    _products()
    _pictures()
    _imports()


def downgrade() -> None:
    """Undo."""
    for name in ("findings", "seen", "imports", "outbox", "embeddings", "images", "pictures", "sources"):
        op.drop_table(name)
    op.drop_table("links")
    op.drop_table("products")


def _products() -> None:
    op.create_table(
        "products",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("category", sa.String(64)),
        sa.Column("price", Price),
        sa.Column("currency", sa.String(3)),
        sa.Column("metal", sa.String(64)),
        sa.Column("stone", sa.String(64)),
        sa.Column("shape", sa.String(64)),
        sa.Column("setting", sa.String(64)),
        sa.Column("karat", sa.Integer),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("in_stock", sa.Boolean, nullable=False),
        sa.Column("attributes", sa.Text, nullable=False),
        sa.Column("digest", sa.String(32), nullable=False),
        sa.Column("deleted_at", Moment),
    )
    op.create_table(
        "links",
        sa.Column("product_id", sa.String(255), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
    )
    op.create_index("ix_links_address", "links", ["address"])
    op.create_table(
        "outbox",
        sa.Column("seq", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("change", sa.String(8), nullable=False),
        sa.Column("product_id", sa.String(255), nullable=False),
        sa.Column("image_id", sa.BigInteger),
        sqlite_autoincrement=True,
    )


def _pictures() -> None:
    op.create_table(
        "sources",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64)),
        sa.Column("etag", sa.Text),
        sa.Column("last_modified", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("fetched_at", Moment),
    )
    op.create_index("ix_sources_state", "sources", ["state"])
    op.create_table(
        "pictures",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("phash", sa.BigInteger, nullable=False),
    )
    op.create_index("pictures_phash", "pictures", ["phash"])
    op.create_table(
        "images",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("product_id", sa.String(255), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("deleted_at", Moment),
    )
    op.create_index("ix_images_product_id", "images", ["product_id"])
    op.create_index("ix_images_sha256", "images", ["sha256"])
    op.create_index("images_live", "images", ["id"], sqlite_where=LIVE, postgresql_where=LIVE)
    op.create_table(
        "embeddings",
        sa.Column("image_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("embedded_at", Moment, nullable=False),
    )


def _imports() -> None:
    op.create_table(
        "imports",
        sa.Column("id", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("accepted", sa.BigInteger, nullable=False),
        sa.Column("merged", sa.BigInteger, nullable=False),
        sa.Column("rejected", sa.BigInteger, nullable=False),
        sa.Column("started_at", Moment, nullable=False),
        sa.Column("finished_at", Moment),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "seen",
        sa.Column("import_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("product_id", sa.String(255), primary_key=True),
        sa.Column("line", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "findings",
        sa.Column("id", RowNumber, primary_key=True, autoincrement=True),
        sa.Column("import_id", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger),
        sa.Column("product_id", sa.Text),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("field", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_findings_import_id", "findings", ["import_id"])
