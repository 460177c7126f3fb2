"""Log files of the local stack, and the lines of them that tell what went wrong."""

from __future__ import annotations

import re
from pathlib import Path

_LIMIT = 10_000_000
_TAIL = 1_000_000
# Said by every start on a machine without a GPU.
_HARMLESS = re.compile(r"CudaDriverHelper|NVML|DCGM|pinned system memory|CUDA memory pool")
_TELLING = re.compile(r"^\S+ E |^E\d{4} |error|Traceback|^\w*(Error|Exception)\b", re.IGNORECASE)


def rotate_log(log: Path) -> None:
    """Keep one older log, so that restarts do not fill the disk."""
    if log.exists() and log.stat().st_size > _LIMIT:
        log.replace(log.with_suffix(".log.1"))


def last_words(log: Path, since: int = 0, *, lines: int = 8) -> str:
    """The last lines of a log that tell of trouble, each on its own line, or nothing."""
    try:
        with log.open("rb") as stream:
            stream.seek(since)
            said = stream.read()[-_TAIL:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    telling = [line.strip()[:400] for line in said if _TELLING.search(line) and not _HARMLESS.search(line)]
    return "".join(f"\n    {line}" for line in telling[-lines:])
