"""Did tuning help? What `visionseek train tune` measured on products that it never saw, and the gate on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from visionseek.errors import ManifestError

DEPTH = 1


@dataclass(frozen=True, slots=True)
class Recall:
    """Share of held-out screenshots whose product is among the first `depth`, with its 95 % interval."""

    depth: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Gain:
    """Recall of the same queries before and after tuning, by depth, least depth first."""

    before: tuple[Recall, ...]
    after: tuple[Recall, ...]
    queries: int

    @property
    def promotes(self) -> bool:
        """Whether the tuned encoder may serve: recall@1 is not below what it was."""
        return at(self.after, DEPTH).value >= at(self.before, DEPTH).value


def at(recalls: tuple[Recall, ...], depth: int) -> Recall:
    """The figure of one depth."""
    return next(recall for recall in recalls if recall.depth == depth)


def read_gain(tuned: Mapping[str, Any]) -> Gain:
    """Gain from the JSON of `visionseek train tune`.

    Raises:
        ManifestError: the figures that the gate needs are not in it, so nothing may be promoted.
    """
    try:
        gain = Gain(
            _recalls(tuned["recall_before"]), _recalls(tuned["recall_after"]), queries=int(tuned["queries"])
        )
        at(gain.before, DEPTH), at(gain.after, DEPTH)
    except (KeyError, ValueError, TypeError, AttributeError, StopIteration) as error:
        raise ManifestError(
            f"`visionseek train tune` did not say what recall@{DEPTH} was before and after ({error!r}); "
            "without it no encoder is promoted"
        ) from error
    return gain


def _recalls(figures: Mapping[str, Any]) -> tuple[Recall, ...]:
    found = []
    for name, (value, low, high) in figures.items():
        prefix, _, depth = name.partition("@")
        if prefix == "recall":
            found.append(Recall(int(depth), float(value), float(low), float(high)))
    return tuple(sorted(found, key=lambda recall: recall.depth))
