"""Nearest other products: what the encoder confuses now, so that the next batches show them together."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from visionseek.errors import ArtifactError, InputError
from visionseek.files import sha256_file

NEIGHBOURS = 8
_CHECKSUM_BYTES = 32
_BLOCK = 512


def nearest_products(
    embeddings: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], products: int, count: int = NEIGHBOURS
) -> npt.NDArray[np.int64]:
    """Products whose pictures come nearest to a product's own, by their best pair of pictures.

    Args:
        embeddings: [N, D] of unit length.
        labels: [N], in 0..products-1.
        products: P.
        count: how many; fewer where there are fewer other products.

    Returns:
        int64 [P, count]; a product without an embedding gets arbitrary others.
    """
    count = min(count, products - 1)
    found = np.empty((products, count), np.int64)
    rows_of = [np.flatnonzero(labels == product) for product in range(products)]
    for start in range(0, products, _BLOCK):
        block = range(start, min(products, start + _BLOCK))
        rows = np.concatenate([rows_of[product] for product in block]).astype(np.int64)
        # Best cosine of each of these pictures to each product, then of each of these products.
        best = np.full((products, len(rows)), -2.0, np.float32)
        np.maximum.at(best, labels, embeddings @ embeddings[rows].T)
        for product in block:
            mine = best[:, labels[rows] == product]
            scores = mine.max(1) if mine.shape[1] else np.full(products, -2.0, np.float32)
            scores[product] = -np.inf
            found[product] = np.argsort(-scores, kind="stable")[:count]
    return found


def stored_embeddings(
    folder: Path, pictures: Sequence[Path]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Embeddings of pictures from the embedding store of an index.

    Args:
        folder: of one encoder, with its `segment-*.npy`: records (picture sha256, vector), then the sha256 of
            all that.
        pictures: files; those that the store does not know are left out.

    Returns:
        float32 [M, D] of unit length, and int64 [M], which picture each row is of.

    Raises:
        ArtifactError: a segment is damaged.
        InputError: there is no segment, or none of the pictures is in the store.
    """
    vectors: dict[bytes, npt.NDArray[np.float32]] = {}
    for path in sorted(folder.glob("segment-*.npy")):
        content = path.read_bytes()
        body, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
        if hashlib.sha256(body).digest() != checksum:
            raise ArtifactError(
                "this segment is not what was written", where=str(path), mend="visionseek index embed"
            )
        records = np.load(io.BytesIO(body), allow_pickle=False)
        vectors.update({bytes(one["picture"]): one["vector"] for one in records})
    if not vectors:
        raise InputError("there is no embedding here", where=str(folder), mend="visionseek index embed")
    hashes = [bytes.fromhex(sha256_file(path)) if path.is_file() else b"" for path in pictures]
    known = [number for number, one in enumerate(hashes) if one in vectors]
    if not known:
        raise InputError(
            f"none of {len(pictures)} pictures is in this store: it is of another catalog", where=str(folder)
        )
    rows = np.stack([vectors[hashes[number]] for number in known]).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows, np.array(known, dtype=np.int64)
