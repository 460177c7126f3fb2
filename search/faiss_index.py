"""The FAISS index of a shard: exact while that is fast, inverted lists of 8-bit vectors above."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.model_server import Vectors
from visionseek.errors import SettingsError

# Exact search over 50,000 x 768 takes some 10 ms on two cores; that is as much as a query may cost.
FLAT_UP_TO = 50_000
# FAISS's own guideline: 4 to 16 times the root of n lists, and at least 39 training vectors a list.
_LISTS_PER_ROOT = 4
_TRAINING_PER_LIST = 64
# A sixteenth of the lists: recall 0.98 at 100,000 x 768; exact scores of what is found mend the rest.
_PROBED = 1 / 16


def build_index(vectors: Vectors, *, flat_up_to: int = FLAT_UP_TO) -> NDArray[np.uint8]:
    """A serialized inner-product index over float32 [n, D], row i being vector i.

    Raises:
        SettingsError: FAISS is not installed.
    """
    faiss = _faiss()
    count, dimension = vectors.shape
    if count <= flat_up_to:
        index = faiss.IndexFlatIP(dimension)
    else:
        lists = int(_LISTS_PER_ROOT * math.sqrt(count))
        index = faiss.index_factory(dimension, f"IVF{lists},SQ8", faiss.METRIC_INNER_PRODUCT)
        sample = np.random.default_rng(0).permutation(count)[: lists * _TRAINING_PER_LIST]
        index.train(np.ascontiguousarray(vectors[np.sort(sample)]))
        index.nprobe = max(8, math.ceil(lists * _PROBED))
    index.add(vectors)
    serialized: NDArray[np.uint8] = faiss.serialize_index(index)
    return serialized


def _faiss() -> Any:
    try:
        return importlib.import_module("faiss")
    except ImportError as error:
        raise SettingsError(
            "building shards needs FAISS, which is not installed",
            mend="pip install 'visionseek[cpu]', or 'visionseek[gpu]' on a machine with a GPU",
        ) from error
