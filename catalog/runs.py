"""One run over one feed: how far it is and what it found. An interrupted run goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, insert, select, update

from catalog.database import Catalog
from catalog.drafts import Finding
from catalog.normalise.text import storable
from catalog.schema import findings, imports, seen

PAGE = 5_000
LONGEST_VALUE = 500


@dataclass
class Run:
    """The state of an import, as acknowledged in the database.

    Attributes:
        id: its number.
        started: pictures fetched before this are asked for again.
        rows: rows of the feed that are done, from the first; accepted + merged + rejected.
        resumed: it goes on after an interruption.
    """

    id: int
    started: datetime
    rows: int = 0
    accepted: int = 0
    merged: int = 0
    rejected: int = 0
    resumed: bool = False


def begin(catalog: Catalog, feed: str, fingerprint: str) -> Run:
    """Go on with an interrupted run over this very feed, or begin a new one.

    Findings of older runs over a feed of this name are dropped.
    """
    with catalog.writing() as connection:
        mine = imports.c.feed == feed
        last = connection.execute(
            select(imports).where(mine, imports.c.state == "running").order_by(imports.c.id.desc()).limit(1)
        ).first()
        if last is not None and last.fingerprint == fingerprint:
            return Run(
                last.id, last.started_at, last.rows, last.accepted, last.merged, last.rejected, resumed=True
            )
        old = select(imports.c.id).where(mine)
        for table in (findings, seen):
            connection.execute(delete(table).where(table.c.import_id.in_(old)))
        connection.execute(update(imports).where(mine, imports.c.state == "running").values(state="left"))
        now = datetime.now(UTC)
        row = {"feed": feed, "fingerprint": fingerprint, "state": "running", "started_at": now}
        counts = dict.fromkeys(("rows", "accepted", "merged", "rejected"), 0)
        key = connection.execute(insert(imports).values(**row, **counts)).inserted_primary_key
        assert key is not None
        return Run(key[0], now)


def acknowledge(connection: Connection, run: Run) -> None:
    """Record how far the run is, in the transaction that wrote its rows."""
    counts = {name: getattr(run, name) for name in ("rows", "accepted", "merged", "rejected")}
    connection.execute(update(imports).where(imports.c.id == run.id).values(**counts))


def finish(catalog: Catalog, run: Run) -> None:
    """Close the run; which products it met is no longer needed."""
    with catalog.writing() as connection:
        done = update(imports).where(imports.c.id == run.id)
        connection.execute(done.values(state="done", finished_at=datetime.now(UTC)))
        connection.execute(delete(seen).where(seen.c.import_id == run.id))


def note(connection: Connection, run: Run, notes: Sequence[Finding]) -> None:
    """Keep findings for the report."""
    if notes:
        connection.execute(
            insert(findings), [{"import_id": run.id, **_storable(finding)} for finding in notes]
        )


def _storable(finding: Finding) -> dict[str, object]:
    value = finding.value
    return finding._asdict() | {
        "reason": storable(finding.reason),
        "value": None if value is None else storable(value)[:LONGEST_VALUE],
    }


def notes_of(catalog: Catalog, run: Run) -> Iterator[Finding]:
    """All findings of a run in the order they were made, streaming."""
    columns = [findings.c[name] for name in Finding._fields]
    last = 0
    with catalog.engine.connect() as connection:
        while True:
            page = select(findings.c.id, *columns).where(findings.c.import_id == run.id, findings.c.id > last)
            rows = connection.execute(page.order_by(findings.c.id).limit(PAGE)).all()
            for row in rows:
                yield Finding(*row[1:])
            if len(rows) < PAGE:
                return
            last = rows[-1].id
