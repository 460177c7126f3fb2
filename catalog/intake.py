"""Rows into products, a batch a transaction: what is in the database is acknowledged, nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlalchemy import Connection, select

from catalog.ahead import Made
from catalog.changes import ids_in, insert_rows, upsert
from catalog.database import Catalog
from catalog.drafts import Draft, Finding
from catalog.merging import is_empty, merge, same_product
from catalog.runs import Run, acknowledge, note
from catalog.schema import links, products, seen


def take_rows(
    catalog: Catalog,
    run: Run,
    batches: Iterable[list[Made]],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Bring drafts into the catalog.

    Args:
        catalog: the database.
        run: counts go up in it as batches are acknowledged.
        batches: of the feed, from the row where the run is.
        progress: called with the number of rows done after each batch.
    """
    for batch in batches:
        taken = _Batch(run)
        with catalog.writing() as connection:
            taken.take(connection, batch)
        taken.count()
        progress(run.rows)


class _Batch:
    """One batch on its way; the run's counts change only when it is in the database."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.drafts: dict[str, Draft] = {}
        self.lines: dict[str, int] = {}
        self.notes: list[Finding] = []
        self.done = Run(run.id, run.started, run.rows, run.accepted, run.merged, run.rejected)

    def take(self, connection: Connection, batch: list[Made]) -> None:
        met = self._met_earlier(connection, [made.draft.id for made in batch if made.draft])
        for line, draft, findings in batch:
            if draft is None:
                self.notes += findings
                self.done.rejected += 1
            elif draft.id in self.lines:
                self._again(line, draft, self.drafts[draft.id], self.lines[draft.id])
            elif draft.id in met:
                first = self.drafts.get(draft.id) or _stored(connection, draft.id)
                self._again(line, draft, first, met[draft.id])
            elif is_empty(draft):
                reason = "neither a title nor a picture: nothing to show and nothing to search by"
                self._reject(Finding(line, draft.id, "rejected", "title", reason))
            else:
                self.drafts[draft.id], self.lines[draft.id] = draft, line
                self.notes += findings
                self.done.accepted += 1
        upsert(connection, list(self.drafts.values()))
        met_now = [(self.run.id, name, line) for name, line in self.lines.items()]
        insert_rows(connection, seen, ("import_id", "product_id", "line"), met_now)
        self.done.rows += len(batch)
        note(connection, self.run, sorted(self.notes, key=lambda finding: finding.line or 0))
        acknowledge(connection, self.done)

    def count(self) -> None:
        for name in ("rows", "accepted", "merged", "rejected"):
            setattr(self.run, name, getattr(self.done, name))

    def _met_earlier(self, connection: Connection, ids: list[str]) -> dict[str, int]:
        statement = "SELECT product_id, line FROM seen WHERE import_id = {} AND product_id IN {}"
        return dict(ids_in(connection, statement, ids, self.run.id))

    def _again(self, line: int, draft: Draft, first: Draft, first_line: int) -> None:
        if not same_product(first, draft):
            reason = (
                f'the id stands for "{first.shown_title()}" in line {first_line}; this is another product'
            )
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
