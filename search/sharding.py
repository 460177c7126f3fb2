"""Which shard an image lives in: jump consistent hash of its id, so that adding a shard moves 1/N.

Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014, arXiv:1406.2294.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MULTIPLIER = np.uint64(2862933555777941757)


def shards_of(image_ids: ArrayLike, shards: int) -> NDArray[np.int64]:
    """Shard 0 to `shards - 1` of each image id, int64 [n].

    Raises:
        ValueError: fewer than one shard.
    """
    if shards < 1:
        raise ValueError(f"there must be at least one shard, got {shards}")
    key = np.array(image_ids, dtype=np.int64).view(np.uint64)
    shard = np.zeros(key.shape, np.int64)
    jump = np.zeros(key.shape, np.float64)
    moving = np.arange(len(key))
    while len(moving):
        shard[moving] = jump[moving].astype(np.int64)
        key[moving] = key[moving] * _MULTIPLIER + np.uint64(1)
        step = float(1 << 31) / ((key[moving] >> np.uint64(33)) + np.uint64(1)).astype(np.float64)
        jump[moving] = np.floor((shard[moving] + 1) * step)
        moving = moving[jump[moving] < shards]
    return shard


def shard_name(shard: int) -> str:
    """Name of a shard's model in Triton, `catalog_shard_00` and on."""
    return f"catalog_shard_{shard:02d}"
