"""The FAISS index of a shard, on the CPU or on one GPU: rows that may be near a query."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from backends.faiss.columns import Mask

# FAISS's limit on k for a search on a GPU (Limits.cuh, GPU_MAX_SELECTION_K).
_GPU_MOST = 2_048
# A little more than the share of passing rows calls for, as they are not spread evenly.
_SLACK = 1.5


class Index:
    """An inner-product index.

    Args:
        index: as FAISS read it.
        selects: whether a search takes an IDSelector; on a GPU it does not (but in the cuVS build).
        resources: kept alive with an index on a GPU; not shared between instances, as it is not thread-safe.
    """

    def __init__(self, index: Any, *, selects: bool, resources: Any = None) -> None:
        self._index = index
        self._selects = selects
        self._resources = resources
        # Asked before it moved to a GPU, where flat indexes have classes of their own.
        self.is_exact = isinstance(index, faiss.IndexFlat)
        self.shape = (int(index.ntotal), int(index.d))
        self.on_gpu = resources is not None

    def search(
        self, queries: NDArray[np.float32], count: int, mask: Mask | None, passing: int
    ) -> NDArray[np.int64]:
        """Rows that may be nearest, best first.

        Args:
            queries: float32 [B, D].
            count: how many rows are wished for.
            mask: bool [n] of rows that may be found, or None for all.
            passing: how many rows of `mask` are true.

        Returns:
            int64 [B, count]; -1 where the index found fewer.
        """
        if mask is None:
            return self._rows(queries, count)
        if self._selects:
            bits = np.packbits(mask, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            return self._rows(queries, count, params=_parameters(self._index, selector))
        wider = min(len(mask), int(count * len(mask) / max(passing, 1) * _SLACK) + 1)
        rows = self._rows(queries, wider)
        rows[(rows >= 0) & ~mask[np.maximum(rows, 0)]] = -1
        first = np.argsort(rows < 0, axis=1, kind="stable")[:, :count]  # those that pass, in their order
        return np.take_along_axis(rows, first, 1)

    def _rows(self, queries: NDArray[np.float32], count: int, **options: Any) -> NDArray[np.int64]:
        most = _GPU_MOST if self.on_gpu else self.shape[0]
        _, rows = self._index.search(queries, min(count, most), **options)
        found: NDArray[np.int64] = rows
        return found


def open_index(path: Path, device: int | None) -> Index:
    """Read an index, and move it to a GPU when one is asked for and this FAISS can.

    Raises:
        RuntimeError: not an index that FAISS can read, or not one of inner products.
    """
    index = faiss.read_index(str(path))
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise RuntimeError(f"{path}: not an index of inner products")
    if device is None or not can_use_gpu():
        return Index(index, selects=_selects(index))
    resources = faiss.StandardGpuResources()
    moved = Index(faiss.index_cpu_to_gpu(resources, device, index), selects=False, resources=resources)
    moved.is_exact = isinstance(index, faiss.IndexFlat)
    return moved


def can_use_gpu() -> bool:
    """Whether this FAISS is the one for GPUs and finds one."""
    return hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0


def _parameters(index: Any, selector: Any) -> Any:
    """Search parameters of this kind of index that carry `selector` and leave the rest as built."""
    if isinstance(index, faiss.IndexIVF):
        return faiss.SearchParametersIVF(sel=selector, nprobe=index.nprobe, max_codes=index.max_codes)
    if isinstance(index, faiss.IndexHNSW):
        return faiss.SearchParametersHNSW(sel=selector, efSearch=index.hnsw.efSearch)
    if isinstance(index, faiss.IndexPreTransform):
        inner = _parameters(faiss.downcast_index(index.index), selector)
        return faiss.SearchParametersPreTransform(index_params=inner)
    return faiss.SearchParameters(sel=selector)


def _selects(index: Any) -> bool:
    """Try it: which kinds of index take a selector differs between releases of FAISS."""
    if not index.ntotal:
        return True
    bits = np.packbits(np.ones(index.ntotal, np.bool_), bitorder="little")
    try:
        index.search(
            np.ones((1, index.d), np.float32), 1, params=_parameters(index, faiss.IDSelectorBitmap(bits))
        )
    except RuntimeError:
        return False
    return True
