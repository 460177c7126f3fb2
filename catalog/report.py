"""The report of an import: every row that was not simply accepted, every picture that cannot be used."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from catalog.drafts import Finding
from visionseek.errors import InputError

SHOWN = 40


def write_report(path: Path, feed: str, notes: Iterable[Finding]) -> Counter[str]:
    """Write one JSON object a line: outcome, file, line, product_id, field, reason, value.

    The file is whole or not there.

    Returns:
        How many findings there are of each outcome.

    Raises:
        InputError: the file cannot be written.
    """
    counts: Counter[str] = Counter()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                for finding in notes:
                    counts[finding.outcome] += 1
                    shown = {"outcome": finding.outcome, "file": feed, **finding._asdict()}
                    stream.write(json.dumps(shown, ensure_ascii=False) + "\n")
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"the report cannot be written: {error.strerror}", where=str(path)) from error
    return counts


def table(notes: Iterable[Finding]) -> Table:
    """The first findings as a table for the terminal."""
    shown = Table("outcome", "line", "product", "field", "reason", title="What was not simply accepted")
    for number, finding in enumerate(notes):
        if number == SHOWN:
            shown.add_row("...", "", "", "", "the rest is in the report")
            break
        shown.add_row(
            finding.outcome,
            str(finding.line or ""),
            escape(finding.product_id or ""),
            finding.field,
            escape(finding.reason),
        )
    return shown


def read_report(path: Path) -> Iterator[Finding]:
    """The findings of a report file, streaming."""
    with path.open(encoding="utf-8") as stream:
        for line in stream:
            entry = json.loads(line)
            yield Finding(**{name: entry[name] for name in Finding._fields})
