"""Exact merge of what the shards found."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from visionseek.vocabulary import Candidate

Found = tuple[NDArray[np.float32], NDArray[np.int64]]


def merge(found: Iterable[Found], k: int) -> tuple[Candidate, ...]:
    """The `k` best of all shards, best first; equal scores in the order of image id.

    Args:
        found: a pair of scores float32 [n] and image ids int64 [n] a shard; id -1 is padding.
        k: how many at most.
    """
    pairs = list(found)
    if not pairs:
        return ()
    scores = np.concatenate([pair[0] for pair in pairs])
    ids = np.concatenate([pair[1] for pair in pairs])
    real = ids >= 0
    scores, ids = scores[real], ids[real]
    order = np.lexsort((ids, -scores))
    scores, ids = scores[order], ids[order]
    # An image lies in one shard; should two answer with it, its best place counts.
    _, first = np.unique(ids, return_index=True)
    best = np.sort(first)[:k]
    return tuple(Candidate(int(ids[i]), float(scores[i])) for i in best)
