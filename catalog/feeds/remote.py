"""Feeds that lie elsewhere: brought into a local file, through the same guard as pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from catalog import s3
from catalog.locations import Base
from catalog.web import Web
from visionseek.errors import FeedError, InputError

LARGEST = 100 * 2**30  # bytes
LONGEST_S = 4 * 3600.0


@contextmanager
def local_copy(
    location: str, folder: Path, *, allow_private: Collection[tuple[str, int]] = ()
) -> Iterator[tuple[Path, Base]]:
    """The feed at a path or address as a local file, and what its relative links are relative to.

    Args:
        location: a path, `https://...` or `s3://bucket/key`.
        folder: where a copy may lie while the block runs.
        allow_private: host and port pairs that may be private.

    Raises:
        FeedError: it cannot be fetched.
        FetchRefused: its address must not be followed.
        Unavailable: the server does not answer.
    """
    kind = location[:8].lower()
    if not kind.startswith(("https://", "http://", "s3://")):
        path = Path(location)
        yield path, Base(folder=path.parent.absolute())
        return
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix="feed-") as file:
        try:
            if kind.startswith("s3://"):
                s3.download(location, file.file)
            else:
                asyncio.run(_download(location, file.file, allow_private))
        except OSError as error:
            raise FeedError(f"the feed cannot be kept: {error.strerror}", where=str(folder)) from error
        file.flush()
        yield Path(file.name), Base(url=location)


async def _download(location: str, file: IO[bytes], allow_private: Collection[tuple[str, int]]) -> None:
    web = Web(max_bytes=LARGEST, timeout_s=LONGEST_S, allow_private=allow_private)
    try:
        await web.download(location, file)
    except InputError as error:
        error.mend = error.mend or "check the feed's address"
        raise
    finally:
        await web.close()
