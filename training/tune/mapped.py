"""Arrays in files, read from the disk as they are used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from visionseek.errors import ArtifactError


def mapped_array(path: Path, shape: tuple[int, ...]) -> Any:
    """Open a uint8 array in a file, zeros where it is new; its space is taken at once.

    A sparse file on a full disk would end the process by a signal in the middle of a write.

    Raises:
        ArtifactError: the file there is no such array.
        OSError: the disk refused; there is no file then.
    """
    if not path.is_file():
        temporary = path.with_suffix(f".{os.getpid()}.part")
        try:
            array = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=shape)
            array.flush()
            with temporary.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, max(1, temporary.stat().st_size))
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    try:
        array = np.lib.format.open_memmap(path, mode="r+")
    except ValueError as error:
        raise ArtifactError("the cache is damaged", where=str(path), mend="delete its folder") from error
    if array.shape != shape or array.dtype != np.uint8:
        raise ArtifactError("the cache is damaged", where=str(path), mend="delete its folder")
    return array
