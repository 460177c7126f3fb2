"""One shard of the catalog in memory: index, full-precision vectors, image ids and columns, row by row."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.faiss.columns import Columns, Mask
from backends.faiss.errors import DamagedShard
from backends.faiss.index import Index, open_index

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

_FILES = ("index.faiss", "vectors.npy", "image_ids.npy", "columns.json")
_MASKS = 32
_BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Found:
    """Answer to a batch of queries.

    Attributes:
        scores: float32 [B, k], inner products with the full-precision vectors, best first; -inf where fewer
            pass.
        image_ids: int64 [B, k]; -1 where fewer pass.
    """

    scores: Vectors
    image_ids: Ids


class Shard:
    """A version folder, checked against its manifest.

    Args:
        folder: holds `manifest.json` and what it names; row i of index, vectors, ids, columns is one image.
        device: number of the GPU, or None for the CPU.
        exact_rows: filters that at most this many rows pass are searched row by row.
        oversample: the index is asked for this many times k candidates, which are then scored exactly.

    Raises:
        DamagedShard: a file is missing or not what was written, or the files do not belong together.
    """

    def __init__(
        self, folder: Path, *, device: int | None = None, exact_rows: int = 5_000, oversample: int = 4
    ) -> None:
        self.manifest = check_files(folder)
        try:
            self._vectors: Vectors = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
            self._ids: Ids = np.load(folder / "image_ids.npy", allow_pickle=False)
            self.columns = Columns(json.loads((folder / "columns.json").read_bytes()), len(self._ids))
            self._index: Index = open_index(folder / "index.faiss", device)
            self.dimension = int(self.manifest["dimension"])
            images = int(self.manifest["images"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise DamagedShard(f"{folder}: {error}") from error
        shapes = {
            "vectors.npy": (self._vectors.shape, (images, self.dimension)),
            "image_ids.npy": (self._ids.shape, (images,)),
            "index.faiss": (self._index.shape, (images, self.dimension)),
        }
        for name, (found, said) in shapes.items():
            if found != said:
                raise DamagedShard(f"{folder / name}: shape {list(found)}, the manifest says {list(said)}")
        if self._vectors.dtype != np.float32 or self._ids.dtype != np.int64:
            raise DamagedShard(f"{folder}: vectors are {self._vectors.dtype}, image ids {self._ids.dtype}")
        self._exact_rows = exact_rows
        self._oversample = oversample
        self._masks: OrderedDict[str, Mask] = OrderedDict()

    @property
    def images(self) -> int:
        """Rows."""
        return len(self._ids)

    def passing(self, wanted: dict[str, Any], key: str) -> Mask | None:
        """Rows that pass a filter, or None for all; the last ones are remembered by `key`.

        Raises:
            BadRequest: the filter is wrong.
        """
        if not wanted:
            return None
        if key not in self._masks:
            self._masks[key] = self.columns.passing(wanted)
        self._masks.move_to_end(key)
        while len(self._masks) > _MASKS:
            self._masks.popitem(last=False)
        return self._masks[key]

    def search(self, queries: Vectors, k: int, mask: Mask | None) -> tuple[Found, str]:
        """The k best rows of `mask` for each query.

        Few passing rows are all scored; otherwise the index gives candidates among the passing rows, and
        where it gives fewer than there are, all are scored after all. So a filter never costs hits.

        Args:
            queries: float32 [B, D], checked.
            k: at least 1.
            mask: bool [n], or None for all rows.

        Returns:
            What was found, and how: `exact` or `index`.
        """
        passing = self.images if mask is None else int(mask.sum())
        if passing <= (self._exact_rows if mask is not None else 0):
            return self._exact(queries, k, mask), "exact"
        # Flat indexes hold the full vectors themselves: their order is right already.
        wished = min(passing, k if self._index.is_exact else max(k * self._oversample, 64))
        rows = self._index.search(queries, wished, mask, passing)
        if ((rows >= 0).sum(axis=1) < min(k, passing)).any():
            return self._exact(queries, k, mask), "exact"
        scores = np.stack([self._score(query, found) for query, found in zip(queries, rows, strict=True)])
        return self._best(scores, self._image_ids(rows), k), "index"

    def _score(self, query: NDArray[np.float32], rows: Ids) -> NDArray[np.float32]:
        scores = (self._vectors[np.maximum(rows, 0)] @ query).astype(np.float32)
        scores[rows < 0] = -np.inf
        return scores

    def _exact(self, queries: Vectors, k: int, mask: Mask | None) -> Found:
        """Score all rows of `mask`, a block at a time, so that memory stays bounded."""
        rows = np.arange(self.images) if mask is None else np.flatnonzero(mask)
        best = Found(
            np.empty((len(queries), 0), np.float32),
            np.empty((len(queries), 0), np.int64),
        )
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            scores = queries @ self._vectors[block].T
            ids = np.broadcast_to(self._ids[block], scores.shape)
            best = self._best(np.hstack([best.scores, scores]), np.hstack([best.image_ids, ids]), k)
        return self._best(best.scores, best.image_ids, k)

    def _image_ids(self, rows: Ids) -> Ids:
        ids = self._ids[np.maximum(rows, 0)]
        ids[rows < 0] = -1
        return ids

    @staticmethod
    def _best(scores: NDArray[np.float32], ids: Ids, k: int) -> Found:
        """The k best of each row, best first, the lower id first among equals; padded to k."""
        if scores.shape[1] > 2 * k:
            part = np.argpartition(-scores, k, axis=1)[:, :k]
            scores, ids = np.take_along_axis(scores, part, 1), np.take_along_axis(ids, part, 1)
        order = np.lexsort((ids, -scores))[:, :k]
        short = ((0, 0), (0, k - order.shape[1]))
        return Found(
            np.pad(np.take_along_axis(scores, order, 1), short, constant_values=-np.inf),
            np.pad(np.take_along_axis(ids, order, 1), short, constant_values=-1),
        )


def check_files(folder: Path) -> dict[str, Any]:
    """Hold every file of a version folder against its manifest; return the manifest.

    Raises:
        DamagedShard: names the file that is missing or differs.
    """
    path = folder / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        files: dict[str, str] = manifest["files"]
        missing = [name for name in _FILES if name not in files]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedShard(f"{path}: {error!r}") from error
    if missing:
        raise DamagedShard(f"{path}: names no {', '.join(missing)}")
    for name, said in files.items():
        try:
            with (folder / name).open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DamagedShard(f"{folder / name}: {error.strerror}") from error
        if found != said:
            raise DamagedShard(f"{folder / name}: sha256 is {found[:12]}, the manifest says {said[:12]}")
    return manifest
