"""Where the server says that time went: the `Server-Timing` header (W3C Server Timing, section 3)."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Sequence

_ENTRY = re.compile(
    r"\s*(?P<name>[!#$%&'*+.^_`|~\w-]+)\s*(?:;.*?)??;\s*dur\s*=\s*\"?(?P<dur>\d+(?:\.\d+)?)\"?", re.ASCII
)


def parse_server_timing(header: str) -> dict[str, float]:
    """Milliseconds by stage; entries without a duration, or that do not parse, are left out."""
    found = (_ENTRY.match(entry) for entry in header.split(","))
    return {match["name"]: float(match["dur"]) for match in found if match}


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile, `share` from 0 to 1; NaN of nothing."""
    if not values:
        return math.nan
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class Stages:
    """Milliseconds of every stage of every answer."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = defaultdict(list)

    def add(self, header: str) -> None:
        """Count one answer's header."""
        for name, spent in parse_server_timing(header).items():
            self._values[name].append(spent)

    def names(self) -> list[str]:
        """Stages seen, in the order they came first."""
        return list(self._values)

    def percentile(self, name: str, share: float) -> float:
        """Milliseconds that `share` of the answers stayed within; NaN where the stage never came."""
        return percentile(self._values.get(name, []), share)

    def summary(self) -> dict[str, dict[str, float]]:
        """Count, p50, p95 and p99 by stage."""
        return {
            name: {"answers": len(values)}
            | {f"p{share}_ms": round(percentile(values, share / 100), 2) for share in (50, 95, 99)}
            for name, values in self._values.items()
        }
