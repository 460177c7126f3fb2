"""Random draws that are the same on every machine and every Python."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import TypeVar

_Option = TypeVar("_Option")


class Draw:
    """A stream of draws named by its key, such as `Draw(seed, "product", 17)`.

    Everything is derived from `random.random()`, whose sequence for a text seed Python guarantees to keep.
    """

    def __init__(self, *key: object) -> None:
        self._random = random.Random(":".join(str(part) for part in key)).random  # noqa: S311

    def unit(self) -> float:
        """Uniform in [0, 1)."""
        return self._random()

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self._random()

    def whole(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._random() < probability

    def pick(self, options: Sequence[_Option]) -> _Option:
        """One of the options, all equally likely."""
        return options[int(self._random() * len(options))]

    def weighted(self, weights: Mapping[_Option, float]) -> _Option:
        """A key of `weights`, likely in proportion to its value."""
        mark = self._random() * sum(weights.values())
        for option, weight in weights.items():
            mark -= weight
            if mark < 0:
                return option
        return next(reversed(list(weights)))

    def shuffled(self, options: Sequence[_Option]) -> list[_Option]:
        """All options in a random order."""
        return [option for _, option in sorted(((self._random(), o) for o in options), key=lambda p: p[0])]
