"""How many queries may be under way: as many as are answered well before their deadline.

A fixed bound fits one machine. Above what the models can do, each more query makes all of them later, until every
one misses its deadline and the work is for nothing; then the bound must be lower, and refusals come at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from api.limits import Permits

# Before anything is known. Until it was once too many it doubles with every round of fast answers, so a fast
# machine is there within a few; from then on it grows by one a round.
_FIRST = 8
_LEAST = 4
# Shares of the deadline: faster than the one, more may come in; slower than the other, it becomes fewer.
_EASY, _LATE = 0.25, 0.5
# Multiplicative decrease, as TCP does it (Chiu and Jain 1989), but at most once in a deadline: queries that
# were under way together are late together.
_DECREASE = 0.7


class Admission:
    """Moves the capacity of `permits` between 4 and what was set, by how long queries take.

    Args:
        permits: of queries; its capacity is the most there may ever be.
        deadline_s: of a query.
        clock: seconds that only grow.
    """

    def __init__(
        self, permits: Permits, deadline_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._permits = permits
        self._deadline_s = deadline_s
        self._clock = clock
        self._most = permits.capacity
        self._window = float(min(_FIRST, self._most))
        self._lowered = clock() - deadline_s
        self._ever_lowered = False
        permits.capacity = int(self._window)

    def answered(self, seconds: float) -> None:
        """A query, still holding its permit, was answered after `seconds`."""
        if seconds > _LATE * self._deadline_s:
            self._lower()
        elif seconds < _EASY * self._deadline_s and 2 * self._permits.held >= self._permits.capacity:
            self._set(self._window + (1 / self._window if self._ever_lowered else 1))

    def missed(self) -> None:
        """A query, still holding its permit, was given up at its deadline."""
        self._lower()

    def _lower(self) -> None:
        now = self._clock()
        if now - self._lowered >= self._deadline_s:
            self._lowered, self._ever_lowered = now, True
            self._set(min(self._window, self._permits.held) * _DECREASE)

    def _set(self, window: float) -> None:
        self._window = min(max(window, float(_LEAST)), float(self._most))
        self._permits.capacity = int(self._window)
