"""Rows into products, a batch a transaction: what is in the database is acknowledged, nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from sqlalchemy import Connection, insert, select

from catalog.changes import upsert
from catalog.database import Catalog
from catalog.drafting import Drafter
from catalog.drafts import Draft, Finding, Row
from catalog.feeds.delimited import BROKEN
from catalog.merging import merge, same_product
from catalog.runs import Run, acknowledge, note
from catalog.schema import links, products, seen

BATCH = 2_000


def take_rows(
    catalog: Catalog,
    run: Run,
    rows: Iterable[Row],
    drafter: Drafter,
    *,
    resolve: Callable[[str], str],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Bring a feed's rows into the catalog, from where the run was interrupted.

    Args:
        catalog: the database.
        run: counts go up in it as batches are acknowledged.
        rows: of the whole feed, from its first row.
        drafter: row to draft.
        resolve: a picture link as the feed gives it to an address that means the same everywhere.
        progress: called with the number of rows done after each batch.
    """
    coming = iter(rows)
    for _ in islice(coming, run.rows):
        pass
    for batch in _batches(coming, drafter):
        taken = _Batch(run, drafter, resolve)
        with catalog.writing() as connection:
            taken.take(connection, batch)
        taken.count()
        progress(run.rows)


def _batches(rows: Iterator[Row], drafter: Drafter) -> Iterator[list[Row]]:
    """Batches that do not part neighbouring rows of one product: repeated, they find it unchanged."""
    batch: list[Row] = []
    for row in rows:
        if len(batch) >= BATCH and drafter.raw_id(row) != drafter.raw_id(batch[-1]):
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


class _Batch:
    """One batch on its way; the run's counts change only when it is in the database."""

    def __init__(self, run: Run, drafter: Drafter, resolve: Callable[[str], str]) -> None:
        self.run = run
        self.drafter = drafter
        self.resolve = resolve
        self.drafts: dict[str, Draft] = {}
        self.lines: dict[str, int] = {}
        self.notes: list[Finding] = []
        self.done = Run(run.id, run.started, run.rows, run.accepted, run.merged, run.rejected)

    def take(self, connection: Connection, batch: list[Row]) -> None:
        made = list(self._drafts(batch))
        met = self._met_earlier(connection, {draft.id for _, draft, _ in made})
        for line, draft, remarks in made:
            if draft.id in self.lines:
                self._again(line, draft, self.drafts[draft.id], self.lines[draft.id])
            elif draft.id in met:
                first = self.drafts.get(draft.id) or _stored(connection, draft.id)
                self._again(line, draft, first, met[draft.id])
            else:
                self.drafts[draft.id], self.lines[draft.id] = draft, line
                self.notes += remarks
                self.done.accepted += 1
        upsert(connection, list(self.drafts.values()))
        if self.lines:
            rows = [
                {"import_id": self.run.id, "product_id": i, "line": line} for i, line in self.lines.items()
            ]
            connection.execute(insert(seen), rows)
        self.done.rows += len(batch)
        note(connection, self.run, sorted(self.notes, key=lambda finding: finding.line or 0))
        acknowledge(connection, self.done)

    def count(self) -> None:
        for name in ("rows", "accepted", "merged", "rejected"):
            setattr(self.run, name, getattr(self.done, name))

    def _drafts(self, batch: list[Row]) -> Iterator[tuple[int, Draft, list[Finding]]]:
        for row in batch:
            if BROKEN in row.fields:
                self._reject(Finding(row.line, None, "rejected", "row", row.fields[BROKEN]))
                continue
            draft, remarks = self.drafter.draft(row)
            if draft is None:
                self.notes += remarks
                self.done.rejected += 1
                continue
            if draft.links:
                addresses = tuple(dict.fromkeys(self.resolve(link) for link in draft.links))
                draft = draft._replace(links=addresses)
            yield row.line, draft, remarks

    def _met_earlier(self, connection: Connection, ids: set[str]) -> dict[str, int]:
        statement = select(seen.c.product_id, seen.c.line)
        statement = statement.where(seen.c.import_id == self.run.id, seen.c.product_id.in_(ids))
        return {row.product_id: row.line for row in connection.execute(statement)}

    def _again(self, line: int, draft: Draft, first: Draft, first_line: int) -> None:
        if not same_product(first, draft):
            reason = f'the id stands for "{first.title}" in line {first_line}; this is another product'
            self._reject(Finding(line, draft.id, "rejected", "id", reason, draft.title))
            return
        merged, added = merge(first, draft)
        self.drafts[draft.id] = merged
        self.notes.append(
            Finding(line, draft.id, "merged", "id", f"same product as line {first_line}: {added}")
        )
        self.done.merged += 1

    def _reject(self, finding: Finding) -> None:
        self.notes.append(finding)
        self.done.rejected += 1


def _stored(connection: Connection, product_id: str) -> Draft:
    """A product of an earlier batch, as a draft."""
    columns = [products.c[name] for name in Draft._fields if name != "links"]
    row = connection.execute(select(*columns).where(products.c.id == product_id)).one()
    addresses = select(links.c.address).where(links.c.product_id == product_id).order_by(links.c.position)
    return Draft(**dict(row._mapping), links=tuple(connection.scalars(addresses)))
