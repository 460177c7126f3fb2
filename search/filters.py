"""A filter as it travels to the shards: JSON text of bounded size and depth.

`docs/index.md` says what a filter may ask. Conditions need two levels; the bound leaves room and keeps every
recursive reader behind it, and the message that quotes a wrong condition, far from its limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from visionseek.errors import InputError

# The backend holds the same two; it imports nothing of ours, so a test holds them together.
MOST_DEPTH = 8
MOST_CHARACTERS = 65_536


def filter_text(wanted: Mapping[str, Any]) -> str:
    """The filter as JSON; equal filters give equal texts.

    Raises:
        InputError: nested deeper than MOST_DEPTH, longer than MOST_CHARACTERS, or not JSON.
    """
    if _deeper_than(wanted, MOST_DEPTH):
        raise InputError(
            f"the filter is nested more than {MOST_DEPTH} levels deep",
            mend='write conditions as {"metal": ["yellow gold"], "price": {"min": 100}}',
        )
    try:
        text = json.dumps(wanted, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"the filter is not JSON: {error}") from error
    if len(text) > MOST_CHARACTERS:
        raise InputError(f"the filter is longer than {MOST_CHARACTERS:,} characters of JSON")
    return text


def _deeper_than(value: Any, most: int) -> bool:
    """Whether objects and lists stand in more than `most` others; level by level, without recursion."""
    level = [value] if isinstance(value, Mapping | list | tuple) else []
    for _ in range(most):
        inner = (one for outer in level for one in (outer.values() if isinstance(outer, Mapping) else outer))
        level = [one for one in inner if isinstance(one, Mapping | list | tuple)]
    return bool(level)
