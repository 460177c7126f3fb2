"""An import from beginning to end: rows in, pictures gathered, images brought in line, report written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlalchemy import func, select

from catalog.ahead import batches, seldom_collected
from catalog.changes import delete_products
from catalog.database import Catalog
from catalog.drafts import Finding
from catalog.feeds.opening import Feed
from catalog.gathering import Fetch, gather
from catalog.images import reconcile
from catalog.intake import take_rows
from catalog.mapping import ColumnMapping
from catalog.pictures import Pictures
from catalog.report import write_report
from catalog.runs import Run, begin, finish, note, notes_of
from catalog.schema import findings, images, links, products, seen, sources
from catalog.similar import similar_pictures
from visionseek.pixels import ImageLimits

PAGE = 2_000


class Progress(Protocol):
    """Told how far a stage is."""

    def __call__(self, stage: str, done: int, total: int | None = None) -> None:
        """`done` of `total`, which is None where it is not known."""
        ...


def _silent(stage: str, done: int, total: int | None = None) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Summary:
    """What an import did; `accepted + merged + rejected == rows`. The fields of `catalog import --json`."""

    rows: int
    accepted: int
    merged: int
    rejected: int
    images: int
    broken_images: int
    report: str


def import_feed(
    catalog: Catalog,
    store: Pictures,
    feed: Feed,
    mapping: ColumnMapping,
    fetch: Fetch | None,
    *,
    report: Path,
    limits: ImageLimits,
    delete_missing: bool = False,
    progress: Progress = _silent,
) -> Summary:
    """Import a feed. After an interruption the same call goes on; repeated, it changes nothing.

    Args:
        catalog: the database.
        store: where pictures are kept.
        feed: the opened feed.
        mapping: which column is which field.
        fetch: reads picture addresses; None leaves pictures to the next import.
        report: where the findings are written to, as JSON lines.
        limits: of pictures.
        delete_missing: the feed is the whole catalog: products that it does not name are deleted.
        progress: called with stage, how much is done, and of how much (None: not known).

    Raises:
        FeedError: the feed turns out not to be readable; what was read before stays.
        InputError: the report cannot be written.
    """
    run = begin(catalog, feed.name, feed.fingerprint(mapping.key()))
    rows_done = partial(progress, "rows")
    with seldom_collected():
        take_rows(catalog, run, batches(feed, mapping, run.rows), rows_done)
    if delete_missing and run.accepted:
        _delete_missing(catalog, run, progress)
    wanted = _count_due(catalog, run)
    if wanted and fetch is not None:
        pictures_done = partial(progress, "pictures", total=wanted)
        asyncio.run(gather(catalog, store, run, fetch, limits=limits, progress=pictures_done))
    _bring_in_line(catalog, run, progress)
    shown, broken = _note_pictures(catalog, run)
    write_report(report, feed.name, notes_of(catalog, run))
    finish(catalog, run)
    return Summary(run.rows, run.accepted, run.merged, run.rejected, shown, broken, str(report))


def _met(catalog: Catalog, run: Run) -> Iterator[list[str]]:
    """Ids of the run's products, page by page."""
    last = ""
    while True:
        page = select(seen.c.product_id).where(seen.c.import_id == run.id, seen.c.product_id > last)
        with catalog.engine.connect() as connection:
            ids = list(connection.scalars(page.order_by(seen.c.product_id).limit(PAGE)))
        if not ids:
            return
        yield ids
        last = ids[-1]


def _delete_missing(catalog: Catalog, run: Run, progress: Progress) -> None:
    met = select(seen.c.product_id).where(seen.c.import_id == run.id)
    missing = (
        select(products.c.id).where(products.c.deleted_at.is_(None), products.c.id.not_in(met)).limit(PAGE)
    )
    done = 0
    while True:
        with catalog.writing() as connection:
            ids = list(connection.scalars(missing))
            if not ids:
                return
            delete_products(connection, ids)
            note(
                connection,
                run,
                [Finding(None, i, "remark", "id", "not in the feed any more: deleted") for i in ids],
            )
        done += len(ids)
        progress("deletions", done, None)


def _count_due(catalog: Catalog, run: Run) -> int:
    joined = seen.join(links, links.c.product_id == seen.c.product_id)
    statement = (
        select(func.count(links.c.address.distinct())).select_from(joined).where(seen.c.import_id == run.id)
    )
    with catalog.engine.connect() as connection:
        return connection.scalar(statement) or 0


def _bring_in_line(catalog: Catalog, run: Run, progress: Progress) -> None:
    with catalog.engine.connect() as connection:
        if not connection.scalar(select(links.c.address).limit(1)) and not connection.scalar(
            select(images.c.id).limit(1)
        ):
            return
    done = 0
    for ids in _met(catalog, run):
        with catalog.writing() as connection:
            reconcile(connection, ids)
        done += len(ids)
        progress("images", done, run.accepted)


def _note_pictures(catalog: Catalog, run: Run) -> tuple[int, int]:
    """Note broken pictures and such that look alike; how many images are good, how many links broken."""
    mine = seen.join(links, links.c.product_id == seen.c.product_id).join(
        sources, sources.c.address == links.c.address
    )
    broken = (
        select(seen.c.line, seen.c.product_id, sources.c.address, sources.c.reason, sources.c.sha256)
        .select_from(mine)
        .where(seen.c.import_id == run.id, sources.c.state == "broken")
        .order_by(seen.c.line, links.c.position)
    )
    good = (
        select(func.count())
        .select_from(seen.join(images, images.c.product_id == seen.c.product_id))
        .where(seen.c.import_id == run.id, images.c.deleted_at.is_(None))
    )
    count = 0
    with catalog.writing() as connection:
        # An interruption between here and the end would note them twice.
        connection.execute(
            findings.delete().where(
                findings.c.import_id == run.id, findings.c.outcome.in_(["broken_image", "similar"])
            )
        )
        for rows in connection.execute(broken).partitions(PAGE):
            kept = "; the picture fetched earlier stays"
            note(
                connection,
                run,
                [
                    Finding(
                        r.line,
                        r.product_id,
                        "broken_image",
                        "images",
                        r.reason + (kept if r.sha256 else ""),
                        r.address,
                    )
                    for r in rows
                ],
            )
            count += len(rows)
        note(connection, run, list(similar_pictures(connection, run)))
        return connection.scalar(good) or 0, count
