"""The stages in the order of the data. This list is the pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stack.pipeline.recall import read_gain

Answers = Mapping[str, Mapping[str, Any]]  # by stage, what its command answered

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is about.

    Attributes:
        data: the data folder.
        feed: the product feed.
        query: the picture that is searched for at the end.
        region: the product's box in it, `left,top,right,bottom`, or None for the whole picture.
        steps: optimiser steps of the tuning.
        shards: of the index.
        seed: of the tuning.
    """

    data: Path
    feed: Path
    query: Path
    region: str | None
    steps: int
    shards: int
    seed: int

    @property
    def adapter(self) -> Path:
        """Where the tuned adapter lies between two stages."""
        return self.data / "adapter"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: as errors and the table call it.
        arguments: of `visionseek`; None where an earlier answer says that there is nothing to do.
        items: how many things its answer says that it worked on.
        unit: what those things are.
        deadline_s: after this it is taken to hang.
    """

    name: str
    arguments: Callable[[Plan, Answers], list[str] | None]
    items: Callable[[Mapping[str, Any]], int]
    unit: str
    deadline_s: float


def _tune(plan: Plan, _: Answers) -> list[str]:
    options = ["--steps", str(plan.steps), "--seed", str(plan.seed)]
    return ["train", "tune", "--feed", str(plan.feed), "--out", str(plan.adapter), *options]


def _export(plan: Plan, done: Answers) -> list[str] | None:
    """The gate: an encoder that finds less than the one before is not exported, so nothing can serve it."""
    return ["export", "--adapter", str(plan.adapter)] if read_gain(done["tune"]).promotes else None


def _publish(_: Plan, done: Answers) -> list[str]:
    return ["index", "publish", "--generation", str(done["build"]["generation"])]


def _query(plan: Plan, _: Answers) -> list[str]:
    return ["search", str(plan.query), *(["--region", plan.region] if plan.region else [])]


STAGES: tuple[Stage, ...] = (
    Stage(
        "import",
        lambda plan, _: ["catalog", "import", str(plan.feed)],
        lambda answer: int(answer["images"]),
        "pictures",
        15 * _MINUTE,
    ),
    Stage("tune", _tune, lambda answer: int(answer["steps"]), "steps", 60 * _MINUTE),
    Stage("serve", lambda _plan, _done: ["up"], lambda answer: len(answer["pids"]), "servers", 15 * _MINUTE),
    Stage("export", _export, lambda answer: int(answer["parity"]["pictures"]), "pictures", 15 * _MINUTE),
    Stage(
        "embed",
        lambda _plan, _done: ["index", "embed"],
        lambda answer: int(answer["embedded"]),
        "pictures",
        60 * _MINUTE,
    ),
    Stage(
        "build",
        lambda plan, _: ["index", "build", "--shards", str(plan.shards)],
        lambda answer: int(answer["images"]),
        "images",
        15 * _MINUTE,
    ),
    Stage("publish", _publish, lambda answer: int(answer["images"]), "images", 15 * _MINUTE),
    Stage("query", _query, lambda _answer: 1, "queries", 2 * _MINUTE),
)
