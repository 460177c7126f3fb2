"""A tiny shard, written by hand in the format that the `faiss` backend reads."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

_CONFIG = """\
name: "{model}"
backend: "faiss"
max_batch_size: 64
input [ {{ name: "query" data_type: TYPE_FP32 dims: [ -1 ] }} ]
output [
  {{ name: "scores" data_type: TYPE_FP32 dims: [ -1 ] }},
  {{ name: "image_ids" data_type: TYPE_INT64 dims: [ -1 ] }},
  {{ name: "extra" data_type: TYPE_UINT8 dims: [ -1 ] }}
]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
dynamic_batching {{ max_queue_delay_microseconds: 2000 }}
version_policy: {{ latest {{ num_versions: 2 }} }}
parameters {{ key: "threads" value {{ string_value: "1" }} }}
"""


def unit_vectors(rows: int, dimension: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """float32 [rows, D] of unit length."""
    vectors = np.random.default_rng(seed).standard_normal((rows, dimension)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def jewelry_columns(rows: int) -> dict[str, list[Any]]:
    """Columns of every kind, by row; price and stone are unknown for some rows."""
    return {
        "category": [("ring", "necklace", "earrings")[row % 3] for row in range(rows)],
        "metal": [("yellow gold", "rose gold", "platinum", "silver")[row % 4] for row in range(rows)],
        "stone": [None if row % 5 == 0 else ("diamond", "ruby")[row % 2] for row in range(rows)],
        "price": [None if row % 7 == 0 else 100.0 + row for row in range(rows)],
        "in_stock": [row % 2 == 0 for row in range(rows)],
        "karat": [None] * rows,
    }


def write_shard_files(
    folder: Path,
    vectors: NDArray[np.float32],
    image_ids: Sequence[int],
    columns: Mapping[str, Sequence[Any]],
    *,
    factory: str = "Flat",
    **manifest: Any,
) -> Path:
    """Write a version folder; `factory` is FAISS's description of the index, `manifest` overrides fields."""
    folder.mkdir(parents=True)
    index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    if len(vectors):
        index.train(vectors)
        index.add(vectors)
    faiss.write_index(index, str(folder / "index.faiss"))
    np.save(folder / "vectors.npy", vectors)
    np.save(folder / "image_ids.npy", np.array(image_ids, np.int64))
    (folder / "columns.json").write_text(json.dumps(dict(columns)))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    told = {
        "generation": int(folder.name) if folder.name.isdigit() else 1,
        "shard": 0,
        "shards": 1,
        "dimension": vectors.shape[1],
        "images": len(vectors),
        "metric": "inner_product",
        "fingerprint": "tiny",
        "created": "2026-01-01T00:00:00+00:00",
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(told | manifest))
    return folder


def write_tiny_shard(
    repository: Path,
    *,
    vectors: NDArray[np.float32],
    image_ids: Sequence[int] | None = None,
    columns: Mapping[str, Sequence[Any]] | None = None,
    model: str = "catalog_shard_00",
    version: int = 1,
    **options: Any,
) -> Path:
    """Write `MODEL/VERSION/` and the model's config.pbtxt; ids default to 1000, 1001 ...

    Args:
        repository: a model repository.
        vectors: float32 [n, D] of unit length.
        image_ids: n numbers.
        columns: as `jewelry_columns` by default.
        model: name of the model.
        version: number of the version folder.
        options: handed to `write_shard_files`.
    """
    rows = len(vectors)
    folder = write_shard_files(
        repository / model / str(version),
        vectors,
        list(range(1000, 1000 + rows)) if image_ids is None else image_ids,
        jewelry_columns(rows) if columns is None else columns,
        **options,
    )
    (repository / model / "config.pbtxt").write_text(_CONFIG.format(model=model))
    return folder
