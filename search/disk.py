"""What the disk says, in our words; and one index command at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionseek.errors import ArtifactError, Overloaded


@contextmanager
def disk_errors(where: Path) -> Iterator[None]:
    """Turn an OSError inside the block, such as a full disk, into `ArtifactError`."""
    try:
        yield
    except OSError as error:
        raise ArtifactError(
            f"the disk refused: {error.strerror or error}",
            where=str(error.filename or where),
            mend="free space or mend the permissions, then run the command again; what was finished is kept",
        ) from error


@contextmanager
def sole_writer(index: Path) -> Iterator[None]:
    """Hold the index folder for one command; the kernel lets go when the process ends, however it ends.

    Raises:
        Overloaded: another index command is running.
    """
    with disk_errors(index):
        index.mkdir(parents=True, exist_ok=True)
        handle = os.open(index / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Overloaded(
                "another index command is running", where=str(index), mend="wait until it ends"
            ) from None
        yield
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes | memoryview) -> None:
    """Write a file and wait until it is on the disk; for folders that become visible by a rename later."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
