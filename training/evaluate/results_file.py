"""What an evaluation prints and writes; the file holds every query's result, so that two can be compared."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from training.evaluate.calibration import Calibration, Reliability
from training.evaluate.figures import metric_names, query_values
from training.evaluate.run import Evaluation
from visionseek.errors import ArtifactError, VisionSeekError
from visionseek.files import write_atomically

FORMAT = "visionseek-eval-1"


class QueryResult(BaseModel):
    """One query's result.

    Attributes:
        id: of the query.
        slice: its kind.
        group: family whose results depend on each other.
        rank: of the first right item, from 1.
        top: ids of the first items.
        values: figure by name; those that it does not have are missing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    slice: str
    group: str
    rank: int
    top: list[str]
    values: dict[str, float]


class ResultsFile(BaseModel):
    """What `--out` writes: the JSON line, and every query.

    Attributes:
        format: `FORMAT`.
        suite: its name.
        encoder: its name.
        gallery_sha256: digest over the gallery's item ids, in order; results over two galleries never mix.
        gallery: how many there are.
        parameters: what the suite depends on.
        metrics: as printed.
        results: one a query.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: str
    suite: str
    encoder: str
    gallery_sha256: str
    gallery: int
    parameters: dict[str, Any] = {}
    metrics: dict[str, dict[str, list[float]]]
    results: list[QueryResult]


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The JSON line: `suite`, `encoder`, `metrics` by slice as [value, low, high], and what they rest on."""
    found = evaluation.calibration
    return {
        "suite": evaluation.suite.name,
        "encoder": evaluation.encoder,
        "metrics": evaluation.metrics,
        "templates": {
            label: {row.template: {"queries": row.queries, **row.metrics} for row in rows}
            for label, rows in evaluation.templates.items()
        },
        "calibration": _told(found) if isinstance(found, Calibration) else {"missing": found},
        "queries": dict(Counter(query.slice for query in evaluation.suite.queries)),
        "gallery": len(evaluation.suite.items),
        "parameters": dict(evaluation.suite.parameters),
        "skipped": evaluation.skipped,
        "trained_apart": evaluation.apart,
        "notes": list(evaluation.suite.notes),
        "seconds": round(evaluation.seconds, 1),
    }


def write_results(path: Path, evaluation: Evaluation) -> None:
    """Write `--out`.

    Raises:
        VisionSeekError: the disk refused.
    """
    suite = evaluation.suite
    names = metric_names(suite)
    ids = [item.id for item in suite.items]
    results = [
        {
            "id": query.id,
            "slice": query.slice,
            "group": suite.items[query.subject].family,
            "rank": answer.rank,
            "top": [ids[item] for item in answer.top],
            "values": {
                name: round(value, 6)
                for name, value in zip(names, query_values(suite, query, answer), strict=True)
                if not np.isnan(value)
            },
        }
        for query, answer in zip(suite.queries, evaluation.answers, strict=True)
    ]
    digest = sha256("\n".join(ids).encode()).hexdigest()
    document = {"format": FORMAT, **summary(evaluation), "gallery_sha256": digest, "results": results}
    save(path, (json.dumps(document, ensure_ascii=False) + "\n").encode())


def read_results(path: Path) -> ResultsFile:
    """Read what `--out` wrote.

    Raises:
        ArtifactError: missing, not JSON, or something else than results.
    """
    mend = "visionseek eval --suite ... --out FILE writes one"
    try:
        found = ResultsFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"no results here ({error.strerror})", where=str(path), mend=mend) from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ArtifactError(
            f"no results of an evaluation: {field}: {first['msg']}", where=str(path), mend=mend
        ) from error
    if found.format != FORMAT:
        raise ArtifactError(f"results of format {found.format!r}, not {FORMAT!r}", where=str(path), mend=mend)
    return found


def save(path: Path, data: bytes) -> None:
    """Write a file that was asked for, whole or not at all.

    Raises:
        VisionSeekError: the disk refused.
    """
    try:
        write_atomically(path, data)
    except OSError as error:
        raise VisionSeekError(f"cannot be written ({error.strerror or error})", where=str(path)) from error


def _told(calibration: Calibration) -> dict[str, Any]:
    def told(one: Reliability) -> dict[str, Any]:
        return {
            "ece": round(one.ece, 4),
            "brier": round(one.brier, 4),
            "cases": one.cases,
            "sigmoid": {name: round(value, 4) for name, value in asdict(one.sigmoid).items()},
            "even_at": round(one.sigmoid.even, 4),
            "bins": [[round(promised, 4), round(came, 4), cases] for promised, came, cases in one.bins],
        }

    return {
        "exact": told(calibration.exact),
        "present": told(calibration.present),
        "accuracy": round(calibration.accuracy, 4),
        "confusion": calibration.confusion,
        "ece_by_slice": {label: round(value, 4) for label, value in calibration.by_slice.items()},
    }
