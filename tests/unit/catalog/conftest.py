import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

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
    opened = Catalog.open(f"sqlite:///{tmp_path / 'catalog.sqlite3'}")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path / "pictures")


@pytest.fixture
def importer(catalog: Catalog, store: PictureStore, tmp_path: Path) -> Import:
    """Import a feed file as the command does, with nothing but local files."""

    def run(path: Path, *, allow_files: bool = False, **options: object) -> Summary:
        feed = open_feed(str(path))
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
