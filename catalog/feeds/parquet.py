"""Parquet, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
                for record in batch.to_pylist():
                    number += 1
                    yield Row(number, flatten(record))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FeedError(f"not readable as Parquet after {number} rows: {reason}", where=where) from error
