"""The picture store: every content once, named by its sha256, in a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from visionseek.errors import ArtifactError, NotFound
from visionseek.files import sha256_bytes

DIGEST_LENGTH = 64
SYNCERS = 16


class Pictures(Protocol):
    """Where picture bytes are kept; `PictureStore` is a folder, `catalog.s3.S3Pictures` a bucket."""

    def put(self, data: bytes) -> str:
        """Keep `data`, durably when this returns; its sha256."""
        ...

    def stage(self, data: bytes) -> str:
        """Keep `data`, durably after the next `settle`; its sha256."""
        ...

    def settle(self, digests: Iterable[str]) -> None:
        """Make staged pictures durable."""
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes of a picture."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether it is kept here."""
        ...

    def address(self, sha256: str) -> str:
        """Where it is or would be, as a feed's link may say it."""
        ...


def relative_name(sha256: str) -> str:
    """Name of a picture below its store, spread over 256 folders.

    Raises:
        NotFound: not a sha256 in lower-case hex, so it can be no picture (nor a path out of the store).
    """
    if len(sha256) != DIGEST_LENGTH or not set(sha256) <= set("0123456789abcdef"):
        raise NotFound(f"{sha256!r} is no picture's sha256")
    return f"{sha256[:2]}/{sha256}"


class PictureStore:
    """Pictures in a folder, spread over 256 subfolders; safe for several processes at once."""

    def __init__(self, root: Path) -> None:
        """Keep pictures under `root`, made when the first one arrives."""
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the picture of this digest lies, or would lie.

        Raises:
            NotFound: not a sha256 in lower-case hex, so it can be no picture (nor a path out of the store).
        """
        return self.root / relative_name(sha256)

    def address(self, sha256: str) -> str:
        """The absolute path, as a feed's link may say it."""
        return str(self.path(sha256).absolute())

    def has(self, sha256: str) -> bool:
        """Whether the picture is here."""
        return self.path(sha256).is_file()

    def get(self, sha256: str) -> bytes:
        """The bytes of a picture.

        Raises:
            NotFound: no such picture.
            ArtifactError: the file does not hold what its name says.
        """
        path = self.path(sha256)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"no picture {sha256}", where=str(self.root)) from error
        if sha256_bytes(data) != sha256:
            raise ArtifactError(
                "a stored picture is damaged",
                where=str(path),
                mend="delete the file and import the feed again",
            )
        return data

    def put(self, data: bytes) -> str:
        """Keep `data`; when this returns it survives a crash. Storing the same bytes again costs a look."""
        sha256 = self.stage(data)
        self.settle([sha256])
        return sha256

    def stage(self, data: bytes) -> str:
        """Like `put`, but durable only after `settle`: many pictures then wait for the disk together."""
        sha256 = sha256_bytes(data)
        path = self.path(sha256)
        # Its own name for each writer; whoever comes second replaces the same bytes.
        temporary = path.with_name(f".{sha256}.{os.getpid()}.{threading.get_ident()}")
        try:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary.write_bytes(data)
                temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise ArtifactError(
                f"the picture cannot be kept: {error.strerror}",
                where=str(path),
                mend="make room or mend the permissions, then import again: it goes on where it was",
            ) from error
        return sha256

    def settle(self, digests: Iterable[str]) -> None:
        """Wait until these pictures, and their names in their folders, are on the disk."""
        paths = [self.path(sha256) for sha256 in digests]
        if len(paths) < 8:
            for path in paths:
                _sync(path)
        else:  # the disk takes many waits at once in little more time than one
            with ThreadPoolExecutor(SYNCERS) as syncers:
                list(syncers.map(_sync, paths))
        for folder in {path.parent for path in paths}:
            _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
