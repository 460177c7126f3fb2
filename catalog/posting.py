"""A feed that comes through the API: what `POST /v1/products:import` does, by the code of the import."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from catalog.database import Catalog
from catalog.drafts import Finding
from catalog.feeds.opening import Format, open_feed
from catalog.importing import Summary, import_feed
from catalog.locations import Base
from catalog.mapping import check_columns, guess, with_currency
from catalog.pictures import Pictures
from catalog.report import read_report
from visionseek.pixels import ImageLimits

MOST_FINDINGS = 1_000


@dataclass(frozen=True)
class Posted:
    """What an import did; the first 1,000 findings of its report, and how many there are."""

    summary: Summary
    findings: Sequence[Finding]
    found: int


def import_posted(
    catalog: Catalog,
    store: Pictures,
    path: Path,
    *,
    name: str,
    limits: ImageLimits,
    format: Format | None = None,  # noqa: A002 -- the command's word
    encoding: str | None = None,
    currency: str | None = None,
    delete_missing: bool = False,
) -> Posted:
    """Import the feed in the file `path`; acknowledged when this returns. Pictures by link are not fetched.

    Args:
        catalog: the database.
        store: where pictures are kept.
        path: the feed, whose columns are guessed.
        name: what it is called; findings of an earlier import of this name are dropped.
        limits: of pictures.
        format: recognised by the content when None.
        encoding: of its text; found out when None.
        currency: of prices that name none.
        delete_missing: the feed is the whole catalog.

    Raises:
        FeedError: it cannot be read, or none of its columns holds the id.
    """
    feed = open_feed(path, name=name, base=Base(), format=format, encoding=encoding)
    columns = feed.columns()
    mapping = with_currency(guess(columns), currency) if currency else guess(columns)
    check_columns(mapping, columns, name)
    with tempfile.TemporaryDirectory(prefix="visionseek-report-") as folder:
        report = Path(folder) / "report.jsonl"
        summary = import_feed(
            catalog, store, feed, mapping, None, report=report, limits=limits, delete_missing=delete_missing
        )
        findings = list(islice(read_report(report), MOST_FINDINGS))
        with report.open("rb") as lines:
            found = sum(1 for _ in lines)
    return Posted(summary, findings, found)
