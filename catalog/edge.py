"""What every subcommand opens: the catalog and picture store of the settings, and bars for its stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import TaskID

from catalog.database import Catalog
from catalog.importing import Progress
from catalog.pictures import Pictures
from catalog.store import open_pictures
from visionseek import output
from visionseek.settings import Settings


@contextmanager
def catalog_of(settings: Settings) -> Iterator[tuple[Catalog, Pictures]]:
    """The catalog and its pictures; closed at the end of the block."""
    catalog = Catalog.open(settings.catalog_url())
    try:
        yield catalog, open_pictures(settings)
    finally:
        catalog.close()


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """One bar a stage, added when the stage begins."""
    with output.progress() as bars:
        tasks: dict[str, TaskID] = {}

        def progress(stage: str, done: int, total: int | None = None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield progress
