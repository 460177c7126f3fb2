"""What a run tells: tables on standard error, and a JSON file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadtests.objectives import Measured, Verdict
from loadtests.stages import Stages


def print_report(measured: Mapping[str, Measured], stages: Stages, verdicts: Sequence[Verdict]) -> None:
    """Requests, stages and objectives as tables."""
    console = Console(stderr=True, highlight=False)
    requests = Table("request", "sent", "failed", "p50 ms", "p95 ms", "p99 ms", title="As clients saw it")
    for name, row in sorted(measured.items()):
        times = [_shown(row.percentile(share)) for share in (0.5, 0.95, 0.99)]
        requests.add_row(name, str(row.requests), str(row.failures), *times)
    console.print(requests)
    table = Table(
        "stage", "answers", "p50 ms", "p95 ms", "p99 ms", title="As the server says (Server-Timing)"
    )
    for name, spent in stages.summary().items():
        times = [_shown(spent[f"p{share}_ms"]) for share in (50, 95, 99)]
        table.add_row(name, f"{spent['answers']:.0f}", *times)
    console.print(table)
    judged = Table("objective", "limit", "measured", "", title="Objectives")
    for verdict in verdicts:
        mark = "[green]held[/]" if verdict.held else "[bold red]BROKEN[/]"
        judged.add_row(verdict.what, f"{verdict.limit:g}", _shown(verdict.value), mark)
    console.print(judged)


def write_summary(
    path: Path, measured: Mapping[str, Measured], stages: Stages, verdicts: Sequence[Verdict]
) -> None:
    """The same as one JSON object; NaN, which JSON has not, is null."""
    result = {
        "requests": {
            name: {
                "sent": row.requests,
                "failed": row.failures,
                **{f"p{share}_ms": _number(row.percentile(share / 100)) for share in (50, 95, 99)},
            }
            for name, row in measured.items()
        },
        "stages": stages.summary(),
        "objectives": [
            {"what": v.what, "limit": v.limit, "measured": _number(v.value), "held": v.held} for v in verdicts
        ],
        "held": all(verdict.held for verdict in verdicts),
    }
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def _shown(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}" if value < 1 else f"{value:.0f}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
