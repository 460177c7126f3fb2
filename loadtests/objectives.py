"""Service level objectives: read from a file, held against what was measured."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_REQUEST_KEYS = {"p50_ms", "p95_ms", "p99_ms", "max_error_rate", "min_requests"}
_STAGE_KEYS = {"p50_ms", "p95_ms", "p99_ms"}


class ObjectivesError(Exception):
    """The file of objectives is wrong."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one kind of request; `percentile` takes 0 to 1 and gives milliseconds."""

    requests: int
    failures: int
    percentile: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One objective, what it allows, what came out."""

    what: str
    limit: float
    value: float
    held: bool


@dataclass(frozen=True, slots=True)
class Objectives:
    """Limits by kind of request, and by stage of the server."""

    requests: Mapping[str, Mapping[str, float]]
    stages: Mapping[str, Mapping[str, float]]

    def judge(
        self, measured: Mapping[str, Measured], stage: Callable[[str, float], float]
    ) -> Iterator[Verdict]:
        """Every objective in the file's order. What was not measured at all is broken, not held.

        Args:
            measured: by kind of request.
            stage: milliseconds of a stage at a share of answers; NaN where it never came.
        """
        for name, limits in self.requests.items():
            found = measured.get(name, Measured(0, 0, lambda _: math.nan))
            for key, limit in limits.items():
                if key == "min_requests":
                    yield Verdict(f"{name}: requests", limit, found.requests, found.requests >= limit)
                elif key == "max_error_rate":
                    rate = found.failures / found.requests if found.requests else math.nan
                    yield Verdict(f"{name}: error rate", limit, rate, rate <= limit)
                else:
                    yield _within(f"{name}: {key}", limit, found.percentile(_share(key)))
        for name, limits in self.stages.items():
            for key, limit in limits.items():
                yield _within(f"stage {name}: {key}", limit, stage(name, _share(key)))


def read_objectives(path: Path) -> Objectives:
    """Read `[requests.NAME]` and `[stages.NAME]` tables.

    Raises:
        ObjectivesError: missing, not TOML, an unknown key, a limit that is no number; the message names it.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ObjectivesError(f"{path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ObjectivesError(f"{path}: {error}") from error
    unknown = set(content) - {"requests", "stages"}
    if unknown or not content.get("requests"):
        raise ObjectivesError(f"{path}: tables are [requests.NAME] and [stages.NAME] (got {sorted(content)})")
    return Objectives(
        requests=_tables(path, "requests", content["requests"], _REQUEST_KEYS),
        stages=_tables(path, "stages", content.get("stages", {}), _STAGE_KEYS),
    )


def _tables(path: Path, section: str, tables: Any, keys: set[str]) -> dict[str, dict[str, float]]:
    if not isinstance(tables, dict):
        raise ObjectivesError(f"{path}: [{section}] holds tables, one for each name")
    for name, limits in tables.items():
        if not isinstance(limits, dict) or not limits or set(limits) - keys:
            raise ObjectivesError(f"{path}: [{section}.{name}] takes {', '.join(sorted(keys))}")
        for key, limit in limits.items():
            if isinstance(limit, bool) or not isinstance(limit, int | float) or not 0 <= limit < math.inf:
                raise ObjectivesError(f"{path}: [{section}.{name}] {key} = {limit!r} is no limit")
    return {name: dict(limits) for name, limits in tables.items()}


def _within(what: str, limit: float, value: float) -> Verdict:
    return Verdict(what, limit, value, value <= limit)  # NaN is within nothing


def _share(key: str) -> float:
    return int(key.removeprefix("p").removesuffix("_ms")) / 100
