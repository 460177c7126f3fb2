import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import create_engine, text

from catalog.database import Catalog
from catalog.feeds.opening import open_feed
from catalog.fetching import Files, Router
from catalog.importing import Summary, import_feed
from catalog.mapping import guess
from catalog.pictures import PictureStore
from visionseek.pixels import ImageLimits

Import = Callable[..., Summary]


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """An empty catalog: SQLite, or the PostgreSQL that the integration tier names."""
    url = os.environ.get("CATALOG_TEST_DATABASE") or f"sqlite:///{tmp_path / 'catalog.sqlite3'}"
    if url.startswith("postgresql"):
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        engine.dispose()
    opened = Catalog.open(url)
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


@pytest.fixture
def importer(catalog: Catalog, store: PictureStore, tmp_path: Path) -> Import:
    """Import a feed file as the command does, with nothing but local files."""

    def run(path: Path, *, allow_files: bool = False, **options: object) -> Summary:
        feed = open_feed(path)
        fetch = Router(Files(feed.base.folder, allow_files=allow_files, max_bytes=20_000_000))
        mapping = guess(feed.columns())
        return import_feed(
            catalog,
            store,
            feed,
            mapping,
            fetch,
            report=tmp_path / "report.jsonl",
            limits=ImageLimits(),
            **options,  # type: ignore[arg-type]
        )

    return run


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes a small PNG, its own for each seed."""

    def make(seed: int, side: int = 40) -> bytes:
        image = Image.frombytes(
            "L", (4, 4), bytes((seed * 37 + 61 * i * i + seed * i) % 256 for i in range(16))
        )
        stream = io.BytesIO()
        image.resize((side, side)).convert("RGB").save(stream, "PNG")
        return stream.getvalue()

    return make
