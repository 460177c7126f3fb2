"""The pipeline's own data folder: never one that holds anything else's state, one run at a time."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from visionseek.errors import InputError, Overloaded, StackError

# Says that everything in the folder is the pipeline's and may be thrown away by the next run.
MARKER = ".pipeline"


@contextmanager
def own_folder(data: Path) -> Iterator[None]:
    """Hold `data` for one run; it is made where it is absent.

    Raises:
        InputError: it holds something that no pipeline wrote.
        Overloaded: another pipeline runs on it.
        StackError: it cannot be written.
    """
    marker = data / MARKER
    try:
        if data.exists() and not data.is_dir():
            raise InputError("this is no folder", where=str(data), mend="name another with --data")
        if data.is_dir() and any(data.iterdir()) and not marker.exists():
            raise InputError(
                "this folder holds state that is not the pipeline's, and the pipeline starts from nothing",
                where=str(data),
                mend="name a new or empty folder with --data",
            )
        data.mkdir(parents=True, exist_ok=True)
        stream = marker.open("a")
    except OSError as error:
        raise StackError(f"the data folder cannot be written: {error.strerror}", where=str(data)) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Overloaded(
                "another pipeline runs on this folder",
                where=str(data),
                mend="wait, or name another with --data",
            ) from None
        yield


def clear(data: Path) -> None:
    """Remove what an earlier run left in a folder that is held; its servers must have ended.

    Raises:
        StackError: something cannot be removed.
    """
    try:
        for entry in data.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != MARKER:
                entry.unlink()
    except OSError as error:
        raise StackError(
            f"the run before cannot be removed: {error.strerror}", where=str(error.filename)
        ) from error
