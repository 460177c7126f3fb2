"""What the users of one run share: queries made beforehand, limits, what was measured and found."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.objectives import Objectives, read_objectives
from loadtests.queries import Query, find_pictures, photographs, screenshots
from loadtests.stages import Stages
from loadtests.steps import parse_levels

# Made once: encoding a screenshot for every request would load the cores that are measured.
_QUERIES = 24
_REMEMBERED = 200
_LONGEST_S = 3600


@dataclass(slots=True)
class Session:
    """One run."""

    photos: list[Query]
    screenshots: list[Query]
    levels: tuple[int, ...]
    duration_s: float
    objectives: Objectives
    stages: Stages = field(default_factory=Stages)
    hits: list[dict[str, Any]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 -- variety

    @classmethod
    def prepare(cls, pictures: Path, objectives: Path, levels: str, duration_s: float) -> Session:
        """Read and check everything that a run needs.

        Raises:
            ValueError: levels or duration are out of range.
            ObjectivesError: the file of objectives is wrong.
            NoPictures: the folder has none.
            OSError: a picture cannot be read.
        """
        if not 1 <= duration_s <= _LONGEST_S:
            raise ValueError(f"the duration is 1 to {_LONGEST_S} seconds (got {duration_s:g})")
        steps, limits = parse_levels(levels), read_objectives(objectives)
        paths = find_pictures(pictures, _QUERIES)
        return cls(
            photos=list(photographs(paths)),
            screenshots=list(screenshots(paths, seed=1)),
            levels=steps,
            duration_s=duration_s,
            objectives=limits,
        )

    def remember(self, hits: list[dict[str, Any]]) -> None:
        """Keep hits of a search for those who browse."""
        self.hits[:] = [*self.hits, *hits][-_REMEMBERED:]
