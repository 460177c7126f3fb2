"""The log of a run: a JSON line a step, each step once, however often the run was stopped and resumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from training.watching.events import Events
from visionseek.files import write_atomically

LOG_FILE = "log.jsonl"


class RunLog:
    """Writes `log.jsonl` and TensorBoard events in a run's folder.

    A resumed run takes back the lines of steps that were not saved: they are done again.

    Args:
        out: the run's folder, made where it is missing.
        start: steps that the saved state holds; 0 for a new run.

    Raises:
        OSError: the disk refused.
    """

    def __init__(self, out: Path, *, start: int = 0) -> None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / LOG_FILE
        kept = [line for line in read_log(out) if line["step"] <= start]
        write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept).encode())
        self._stream = path.open("a", encoding="utf-8")
        self._events = Events(out, start=start)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Add the figures of a step, counted from 1; several lines of one step are fine."""
        self._stream.write(json.dumps({"step": step, **figures}) + "\n")
        self._events.write(step, figures)

    def flush(self) -> None:
        """Bring all that was written to the files; called with every save of the state."""
        self._stream.flush()
        self._events.flush()

    def close(self) -> None:
        """Flush and close."""
        self._stream.close()
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_log(out: Path) -> list[dict[str, Any]]:
    """The lines of a run's log; none where there is no log. A last line that a kill cut off is left out."""
    path = out / LOG_FILE
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text("utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            lines.append(line)
    return lines
