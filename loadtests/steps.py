"""The load shape: a few levels of equal length, so that a report shows at which one answers slow down."""

from __future__ import annotations

from collections.abc import Sequence


def users_at(elapsed_s: float, levels: Sequence[int], duration_s: float) -> int | None:
    """Users at this moment, or None when the run is over."""
    if elapsed_s >= duration_s:
        return None
    return levels[min(int(elapsed_s / duration_s * len(levels)), len(levels) - 1)]


def parse_levels(text: str) -> tuple[int, ...]:
    """`2,4,8` as numbers.

    Raises:
        ValueError: none, or one that is not from 1 to 500; the message says so.
    """
    try:
        levels = tuple(int(part) for part in text.split(","))
    except ValueError:
        levels = ()
    if not levels or not all(1 <= level <= 500 for level in levels):
        raise ValueError(f"levels are numbers of users from 1 to 500, such as 2,4,8 (got {text!r})")
    return levels
