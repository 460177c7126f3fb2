"""Parquet, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.drafts import Row
from catalog.feeds.extras import needs
from catalog.feeds.values import flatten
from visionseek.errors import FeedError

BATCH = 1_000


def read_parquet(path: Path, where: str) -> Iterator[Row]:
    """Rows of a Parquet file; their `line` is the row number, from 1.

    Raises:
        FeedError: damaged, or of a kind that is not read.
        SettingsError: pyarrow is not installed.
    """
    with needs("pyarrow", "feeds", "Parquet"):
        import pyarrow as pa  # noqa: PLC0415 -- an extra
        from pyarrow import parquet  # noqa: PLC0415
    number = 0
    try:
        with parquet.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                for record in _with_moments_as_texts(batch, pa).to_pylist():
                    number += 1
                    yield Row(number, flatten(record))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FeedError(f"not readable as Parquet after {number} rows: {reason}", where=where) from error


def _with_moments_as_texts(batch: Any, pa: Any) -> Any:
    """Python's datetime ends at microseconds and the year 9999; a Parquet file need not."""
    columns = []
    for column in batch.columns:
        if not pa.types.is_temporal(column.type):
            columns.append(column)
            continue
        try:
            columns.append(column.cast(pa.string()))
        except pa.ArrowException:  # a time zone that this machine does not know, a kind that has no text
            columns.append(column.cast(pa.int64()).cast(pa.string()))
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
