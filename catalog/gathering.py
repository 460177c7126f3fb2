"""Every picture of a run fetched once, looked at, stored, and its address marked good or broken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, Self

from sqlalchemy import Connection, bindparam, exists, or_, select, update

from catalog.changes import insert_new
from catalog.checking import look
from catalog.database import Catalog
from catalog.pictures import Pictures
from catalog.runs import Run
from catalog.schema import links, pictures, seen, sources
from visionseek.errors import InputError, Unavailable
from visionseek.pixels import ImageLimits

PAGE = 256  # addresses between two acknowledgements
IN_HAND = 32  # pictures in memory at once, each of up to `max_image_bytes`
LOOKERS = 2  # threads that decode; Pillow lets go of the interpreter while it does


class Fetched(NamedTuple):
    """What an address answered with.

    Attributes:
        data: the bytes; None where they are the same as last time.
        etag: what tells the next fetch whether they have changed; for a file its time and size.
        last_modified: the same, by the server's clock.
    """

    data: bytes | None
    etag: str | None = None
    last_modified: str | None = None


class Fetch(Protocol):
    """Reads addresses while it is entered; InputError or Unavailable say why not."""

    async def __aenter__(self) -> Self:
        """Begin to serve this event loop."""
        ...

    async def __aexit__(self, *problem: object) -> None:
        """Close what is open."""
        ...

    def __call__(self, address: str, etag: str | None, last_modified: str | None) -> Awaitable[Fetched]:
        """Bytes of `address`, or word that they are what `etag` and `last_modified` stand for."""
        ...


class Source(NamedTuple):
    """An address that is to be fetched, with what is known of it."""

    address: str
    sha256: str | None = None
    etag: str | None = None
    last_modified: str | None = None


class Result(NamedTuple):
    """What became of an address: a usable picture, or the reason why there is none."""

    address: str
    state: str
    sha256: str | None
    etag: str | None = None
    last_modified: str | None = None
    reason: str | None = None
    size: int = 0
    phash: int | None = None


async def gather(
    catalog: Catalog,
    store: Pictures,
    run: Run,
    fetch: Fetch,
    *,
    limits: ImageLimits,
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Fetch what the run's products link to and has not been fetched since the run began, page by page."""
    done = 0

    def keep(results: list[Result]) -> None:
        store.settle(sorted({r.sha256 for r in results if r.sha256 and r.phash is not None}))
        with catalog.writing() as connection:
            record(connection, results)

    async with fetch:
        with ThreadPoolExecutor(LOOKERS) as lookers:
            keeping: asyncio.Future[None] | None = None
            for page in _pages(catalog, run):
                results = await look_at_all(page, store, fetch, limits, lookers)
                if keeping is not None:  # the disk waits for one page while the next is fetched
                    await keeping
                    progress(done)
                keeping = asyncio.ensure_future(asyncio.to_thread(keep, results))
                done += len(page)
            if keeping is not None:
                await keeping
                progress(done)


async def fetch_all(
    page: Sequence[Source], store: Pictures, fetch: Fetch, limits: ImageLimits, lookers: ThreadPoolExecutor
) -> list[Result]:
    """Fetch, look at and store addresses; when this returns, the good ones are on the disk."""
    results = await look_at_all(page, store, fetch, limits, lookers)
    fresh = {result.sha256 for result in results if result.sha256 and result.phash is not None}
    await asyncio.to_thread(store.settle, sorted(fresh))
    return results


async def look_at_all(
    page: Sequence[Source], store: Pictures, fetch: Fetch, limits: ImageLimits, lookers: ThreadPoolExecutor
) -> list[Result]:
    """Fetch, look at and stage addresses; they are durable after the store's `settle`."""
    turns = asyncio.Semaphore(IN_HAND)

    async def in_turn(source: Source) -> Result:
        async with turns:
            return await _one(source, store, fetch, limits, lookers)

    return list(await asyncio.gather(*map(in_turn, page)))


async def _one(
    source: Source, store: Pictures, fetch: Fetch, limits: ImageLimits, lookers: ThreadPoolExecutor
) -> Result:
    try:
        known = source.sha256 is not None and store.has(source.sha256)
        etag, modified = (source.etag, source.last_modified) if known else (None, None)
        answer = await fetch(source.address, etag, modified)
        if answer.data is None:
            return Result(source.address, "good", source.sha256, source.etag, source.last_modified)
        seen_as = await asyncio.get_running_loop().run_in_executor(lookers, look, answer.data, limits)
        sha256 = store.stage(answer.data)
    except (InputError, Unavailable) as error:
        reason = error.what if error.mend is None else f"{error.what} ({error.mend})"
        return Result(source.address, "broken", source.sha256, reason=reason)
    return Result(
        source.address,
        "good",
        sha256,
        answer.etag,
        answer.last_modified,
        size=len(answer.data),
        phash=seen_as.phash,
    )


def record(connection: Connection, results: Iterable[Result]) -> None:
    """Write down what became of addresses; the last good picture of a broken one is kept."""
    rows = list(results)
    fresh = {r.sha256: r for r in rows if r.sha256 and r.phash is not None}
    if fresh:
        values = [{"sha256": key, "bytes": r.size, "phash": r.phash} for key, r in sorted(fresh.items())]
        connection.execute(insert_new(connection, pictures), values)
    now = datetime.now(UTC)
    fields = ("state", "sha256", "etag", "last_modified", "reason")
    statement = update(sources).where(sources.c.address == bindparam("_address"))
    statement = statement.values({name: bindparam(f"_{name}") for name in fields} | {"fetched_at": now})
    if rows:
        connection.execute(
            statement,
            [{"_address": r.address} | {f"_{name}": getattr(r, name) for name in fields} for r in rows],
        )


def _pages(catalog: Catalog, run: Run) -> Iterator[list[Source]]:
    linked = exists().where(
        links.c.address == sources.c.address,
        seen.c.product_id == links.c.product_id,
        seen.c.import_id == run.id,
    )
    due = or_(sources.c.fetched_at.is_(None), sources.c.fetched_at < run.started)
    last = ""
    while True:
        columns = [sources.c[name] for name in Source._fields]
        page = select(*columns).where(sources.c.address > last, due, linked).order_by(sources.c.address)
        with catalog.engine.connect() as connection:
            rows = [Source(*row) for row in connection.execute(page.limit(PAGE))]
        if not rows:
            return
        yield rows
        last = rows[-1].address
