"""Recall of a ranked list, exact and small enough for memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.evaluate.intervals import wilson


@dataclass(frozen=True, slots=True)
class Recall:
    """Share of queries whose product is among the first `depth` products, with Wilson's 95 % interval."""

    depth: int
    value: float
    low: float
    high: float
    queries: int

    def as_list(self) -> list[float]:
        """`[value, low, high]`, rounded for print."""
        return [round(figure, 4) for figure in (self.value, self.low, self.high)]


def product_ranks(
    queries: npt.NDArray[np.float32],
    query_products: npt.NDArray[np.int64],
    gallery: npt.NDArray[np.float32],
    gallery_products: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Rank, from 1, of each query's product when products are ordered by their best picture.

    Args:
        queries: [Q, D] of unit length.
        query_products: [Q], the right product of each.
        gallery: [N, D] of unit length.
        gallery_products: [N]; every product of `query_products` is among them.

    Returns:
        int64 [Q]. Ties count against the right product.
    """
    scores = queries @ gallery.T
    products = int(max(gallery_products.max(), query_products.max())) + 1
    best = np.full((products, len(queries)), -np.inf, dtype=np.float32)
    np.maximum.at(best, gallery_products, scores.T)
    right = best[query_products, np.arange(len(queries))]
    return np.asarray((best >= right).sum(0), dtype=np.int64)


def recall(ranks: npt.NDArray[np.int64], depth: int) -> Recall:
    """Recall at `depth` of these ranks."""
    found = int((ranks <= depth).sum())
    low, high = wilson(found, len(ranks))
    return Recall(depth, found / len(ranks), low, high, len(ranks))
