"""How long each stage of a request took; the names are those of `Server-Timing`, metrics and load tests."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stages:
    """Milliseconds by stage, in the order in which the stages came first."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._spent: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Add the time inside the `with` to `stage`, also where it ends in an error."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(stage, (time.perf_counter() - started) * 1e3)

    def add(self, stage: str, milliseconds: float) -> None:
        """Add to a stage what was measured elsewhere."""
        self._spent[stage] = self._spent.get(stage, 0.0) + milliseconds

    def milliseconds(self) -> dict[str, float]:
        """Every stage so far, and `total`: since this object was made, waiting included."""
        total = (time.perf_counter() - self._started) * 1e3
        return {stage: round(spent, 2) for stage, spent in {**self._spent, "total": total}.items()}


def server_timing(milliseconds: Mapping[str, float]) -> str:
    """The value of a `Server-Timing` header (W3C Server Timing, section 3)."""
    return ", ".join(f"{stage};dur={spent:.2f}" for stage, spent in milliseconds.items())
