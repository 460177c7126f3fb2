"""What an evaluation prints and writes."""

from __future__ import annotations

from collections import Counter
from typing import Any

from training.evaluate.run import Evaluation


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON line: `suite`, `encoder`, `metrics` by slice as [value, low, high], and what they rest on."""
    return {
        "suite": evaluation.suite.name,
        "encoder": evaluation.encoder,
        "metrics": evaluation.metrics,
        "queries": dict(Counter(query.slice for query in evaluation.suite.queries)),
        "gallery": len(evaluation.suite.items),
        "parameters": dict(evaluation.suite.parameters),
        "skipped": evaluation.skipped,
        "trained_apart": evaluation.apart,
        "notes": list(evaluation.suite.notes),
        "seconds": round(evaluation.seconds, 1),
    }
