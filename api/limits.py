"""Permits, not queues: what does not fit now is refused now."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from visionseek.errors import Overloaded


class Permits:
    """A bound on something held at the same time: queries in flight, bytes of uploads in memory.

    Belongs to one event loop, which is why there is no lock.

    Args:
        capacity: how much may be held at most.
        what: the thing counted, for the message.
    """

    def __init__(self, capacity: int, what: str) -> None:
        self.capacity = capacity
        self.what = what
        self.held = 0

    def check(self) -> None:
        """Raise `Overloaded` where nothing is free now, before work is put into a request."""
        with self.lease() as lease:
            lease.take()

    def lease(self) -> Lease:
        """Something to take permits through; everything taken is given back when its `with` ends."""
        return Lease(self)


class Lease:
    """The permits that one request holds."""

    def __init__(self, permits: Permits) -> None:
        self._permits = permits
        self._amount = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._permits.held -= self._amount
        self._amount = 0

    def take(self, amount: int = 1) -> Lease:
        """Take `amount` more.

        Raises:
            Overloaded: they are not free; nothing was taken and nothing waits.
        """
        permits = self._permits
        if permits.held + amount > permits.capacity:
            raise Overloaded(
                f"{permits.held:,} of {permits.capacity:,} {permits.what} are taken", mend="try again shortly"
            )
        permits.held += amount
        self._amount += amount
        return self
