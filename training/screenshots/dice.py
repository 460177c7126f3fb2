"""Chance with a seed: the same seed draws the same screen on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from training.screenshots.element import Number

_Item = TypeVar("_Item")


def generator(*parts: object) -> np.random.Generator:
    """A generator of its own for these parts (seed, product, template ...), independent of all others."""
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def draw(rng: np.random.Generator, number: Number) -> float:
    """The number itself, or one drawn evenly from its range."""
    if isinstance(number, tuple):
        low, high = number
        return low + (high - low) * float(rng.random())
    return float(number)


def draw_count(rng: np.random.Generator, number: Number) -> int:
    """A whole number from a range, both ends included."""
    if isinstance(number, tuple):
        return int(number[0]) + int(rng.integers(int(number[1]) - int(number[0]) + 1))
    return int(number)


def choose(rng: np.random.Generator, items: Sequence[_Item], weights: Sequence[float] | None = None) -> _Item:
    """One of `items`, evenly or by weight."""
    if weights is None:
        return items[int(rng.integers(len(items)))]
    place = float(rng.random()) * sum(weights)
    for item, weight in zip(items, weights, strict=True):
        place -= weight
        if place < 0:
            return item
    return items[-1]
