import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import event, inspect, select

from catalog import migrations
from catalog.changes import delete_products, upsert
from catalog.database import Catalog
from catalog.drafts import Draft
from catalog.gathering import Result, record
from catalog.ids import image_id
from catalog.images import reconcile
from catalog.schema import metadata, sources
from visionseek.errors import ArtifactError, SettingsError, Unavailable

RING = Draft("r1", "Gold Ring", "ring", Decimal("19.90"), "EUR", "yellow gold", links=("a", "b"))
CHAIN = Draft("n1", "Chain", "necklace", attributes='{"length": "45 cm"}', links=("c",))


def put(catalog: Catalog, *drafts: Draft) -> None:
    """Drafts with their pictures, as an import leaves them."""
    with catalog.writing() as connection:
        upsert(connection, drafts)
        addresses = {address for draft in drafts for address in draft.links}
        record(connection, [Result(a, "good", a * 64, size=10, phash=ord(a)) for a in sorted(addresses)])
        reconcile(connection, [draft.id for draft in drafts])


def test_image_ids_are_the_first_63_bits_of_the_documented_hash() -> None:
    digest = hashlib.sha256(b"r1\0" + b"a" * 64).digest()
    expected = int("".join(f"{byte:08b}" for byte in digest)[:63], 2)
    assert image_id("r1", "a" * 64) == expected


def test_migrations_make_exactly_the_tables_of_the_schema(catalog: Catalog) -> None:
    with catalog.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_go_down_and_up_again(catalog: Catalog) -> None:
    put(catalog, RING)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with catalog.engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
        command.upgrade(config, "head")
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    put(catalog, RING)
    assert len(catalog.products(["r1"])["r1"].images) == 2


def test_products_come_back_as_they_went_in_with_their_images_in_order(catalog: Catalog) -> None:
    put(catalog, RING, CHAIN)
    found = catalog.products(["r1", "n1", "unknown"])
    assert set(found) == {"r1", "n1"}
    ring = found["r1"]
    assert (ring.title, ring.price, ring.currency) == ("Gold Ring", Decimal("19.90"), "EUR")
    assert (ring.metal, ring.in_stock) == ("yellow gold", True)
    assert [image.sha256 for image in ring.images] == ["a" * 64, "b" * 64]
    assert [image.position for image in ring.images] == [0, 1]
    assert ring.images[0].id == image_id("r1", "a" * 64)
    assert found["n1"].attributes == {"length": "45 cm"}


def test_a_shards_image_ids_lead_to_products_with_all_their_images(catalog: Catalog) -> None:
    put(catalog, RING, CHAIN)
    second, chain = image_id("r1", "b" * 64), image_id("n1", "c" * 64)
    found = catalog.products_by_image([second, chain, 12345])
    assert {key: product.id for key, product in found.items()} == {second: "r1", chain: "n1"}
    assert len(found[second].images) == 2


def test_reads_by_key_take_one_statement(catalog: Catalog) -> None:
    put(catalog, RING, CHAIN)
    sent: list[str] = []
    event.listen(catalog.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    catalog.products(["r1", "n1"])
    catalog.products_by_image([image_id("r1", "a" * 64)])
    assert len([statement for statement in sent if statement.startswith("SELECT")]) == 2


def test_images_stream_in_the_order_of_their_ids_and_without_the_deleted(catalog: Catalog) -> None:
    put(catalog, *(Draft(f"p{n:04}", "Ring", "ring", links=(chr(97 + n % 20),)) for n in range(4_500)))
    with catalog.writing() as connection:
        delete_products(connection, ["p0007"])
    ids = [image.id for image, product in catalog.images() if product.title == "Ring"]
    assert ids == sorted(ids)
    assert len(ids) == len(set(ids)) == 4_499
    assert len(list(catalog.all_products())) == 4_499


def test_deleting_leaves_a_tombstone_tells_the_outbox_and_can_be_taken_back(catalog: Catalog) -> None:
    put(catalog, RING)
    before = catalog.changes()[-1].seq
    with catalog.writing() as connection:
        assert delete_products(connection, ["r1", "unknown"]) == 1
        assert delete_products(connection, ["r1"]) == 0
    assert catalog.products(["r1"]) == {}
    assert catalog.products_by_image([image_id("r1", "a" * 64)]) == {}
    told = [(c.kind, c.change, c.image_id) for c in catalog.changes(after=before)]
    assert set(told[:2]) == {("image", "delete", image_id("r1", name * 64)) for name in "ab"}
    assert told[2:] == [("product", "delete", None)]
    put(catalog, RING)
    assert len(catalog.products(["r1"])["r1"].images) == 2


def test_writing_the_same_again_changes_nothing(catalog: Catalog) -> None:
    put(catalog, RING, CHAIN)
    changes = catalog.changes()
    put(catalog, RING, CHAIN)
    assert catalog.changes() == changes
    put(catalog, RING._replace(price=Decimal("18.00")))
    told = [(c.kind, c.change, c.product_id) for c in catalog.changes(after=changes[-1].seq)]
    assert told == [("product", "upsert", "r1")]


def test_numbers_of_the_outbox_are_never_given_twice(catalog: Catalog) -> None:
    put(catalog, RING)
    last = catalog.changes()[-1].seq
    assert catalog.forget_changes(last) > 0
    put(catalog, CHAIN)
    assert catalog.changes()[0].seq > last


def test_a_failed_block_writes_nothing(catalog: Catalog) -> None:
    def fail() -> None:
        with catalog.writing() as connection:
            upsert(connection, [RING])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert catalog.counts()["products"] == 0
    assert catalog.changes() == []


def test_the_state_of_embeddings_is_kept_by_encoder(catalog: Catalog) -> None:
    put(catalog, RING, CHAIN)
    todo = catalog.images_to_embed("mini")
    assert len(todo) == 3
    catalog.mark_embedded([todo[0].id, todo[1].id], "mini")
    catalog.mark_embedded([todo[0].id], "mini")
    assert [image.id for image in catalog.images_to_embed("mini")] == [todo[2].id]
    assert len(catalog.images_to_embed("other")) == 3


def test_a_picture_that_leaves_the_feed_leaves_the_product(catalog: Catalog) -> None:
    put(catalog, RING)
    put(catalog, RING._replace(links=("b",)))
    assert [(i.sha256[0], i.position) for i in catalog.products(["r1"])["r1"].images] == [("b", 0)]


def test_wrong_urls_and_files_give_typed_errors(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no database URL"):
        Catalog.open("nonsense")
    (tmp_path / "text.sqlite3").write_text("this is no database " * 100)
    with pytest.raises(ArtifactError, match="not a catalog database"):
        Catalog.open(f"sqlite:///{tmp_path / 'text.sqlite3'}")
    with pytest.raises(Unavailable, match="does not open"):
        Catalog.open("postgresql://nobody@127.0.0.1:1/none")


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'c.sqlite3'}"
    catalog = Catalog.open(url)
    with catalog.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    catalog.close()
    with pytest.raises(ArtifactError, match="newer"):
        Catalog.open(url)


def test_moments_come_back_in_utc(catalog: Catalog) -> None:
    put(catalog, RING)
    with catalog.engine.connect() as connection:
        moment = connection.scalar(select(sources.c.fetched_at).limit(1))
    assert moment is not None
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 60


def test_a_full_disk_is_told_as_such_and_keeps_what_was_committed(tmp_path: Path) -> None:
    catalog = Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    try:
        put(catalog, RING)
        with catalog.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
            with pytest.raises(Unavailable, match="database or disk is full"):
                connection.exec_driver_sql("CREATE TABLE filler AS SELECT randomblob(1000000) AS x")
        assert catalog.counts()["products"] == 1
    finally:
        catalog.close()
