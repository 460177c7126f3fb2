"""One shard on disk: what the `faiss` backend of Triton reads, with a manifest of checksums."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from search.columns import FIELDS, Value
from search.disk import write_durably
from search.faiss_index import FLAT_UP_TO, build_index
from search.model_server import Vectors
from visionseek.errors import ManifestError
from visionseek.files import sha256_file
from visionseek.manifests import FILE_NAME, Manifest, read_manifest, write_manifest

INDEX, VECTORS, IMAGE_IDS, COLUMNS = "index.faiss", "vectors.npy", "image_ids.npy", "columns.json"

_MEND = "visionseek index build makes a new generation, visionseek index publish lets it serve"


class ShardManifest(Manifest):
    """Beside every shard.

    Attributes:
        generation: the generation it belongs to.
        shard: its number, from 0.
        shards: how many the generation has.
        dimension: D of the vectors.
        images: rows in it.
        metric: always `inner_product`, of unit vectors.
        fingerprint: of the encoder that made the vectors.
        created: ISO 8601 in UTC.
        files: name -> sha256 of every other file of the folder.
    """

    generation: int
    shard: int
    shards: int
    dimension: int
    images: int
    metric: Literal["inner_product"] = "inner_product"
    fingerprint: str
    created: str
    files: dict[str, str]


def write_shard(
    folder: Path,
    vectors: Vectors,
    image_ids: NDArray[np.int64],
    rows: Sequence[Mapping[str, Value]],
    *,
    generation: int,
    shard: int,
    shards: int,
    fingerprint: str,
    created: str,
    flat_up_to: int = FLAT_UP_TO,
) -> ShardManifest:
    """Write a shard into `folder`; row i of index, vectors [n, D], image ids [n] and columns is one image.

    Raises:
        SettingsError: FAISS is not installed.
        OSError: the disk refused.
    """
    folder.mkdir(parents=True)
    columns = {name: [row[name] for row in rows] for name in FIELDS}
    contents = {
        INDEX: build_index(vectors, flat_up_to=flat_up_to).data,
        VECTORS: _npy(vectors),
        IMAGE_IDS: _npy(image_ids),
        COLUMNS: memoryview(json.dumps(columns, ensure_ascii=False).encode()),
    }
    files = {}
    for name, content in contents.items():
        write_durably(folder / name, content)
        files[name] = hashlib.sha256(content).hexdigest()
    manifest = ShardManifest(
        generation=generation,
        shard=shard,
        shards=shards,
        dimension=vectors.shape[1],
        images=len(image_ids),
        fingerprint=fingerprint,
        created=created,
        files=files,
    )
    write_manifest(manifest, folder)
    return manifest


def check_shard(folder: Path) -> ShardManifest:
    """Read a shard's manifest and hold every file against it.

    Raises:
        ManifestError: a file is missing, strange to the manifest, or not what was written.
    """
    manifest = read_manifest(ShardManifest, folder)
    present = {entry.name for entry in folder.iterdir()} - {FILE_NAME}
    if missing := sorted(set(manifest.files) - present):
        raise ManifestError(f"{', '.join(missing)} missing", where=str(folder), mend=_MEND)
    if strange := sorted(present - set(manifest.files)):
        raise ManifestError(f"{', '.join(strange)} not in the manifest", where=str(folder), mend=_MEND)
    for name, digest in sorted(manifest.files.items()):
        found = sha256_file(folder / name)
        if found != digest:
            raise ManifestError(
                f"sha256 is {found[:12]}, the manifest says {digest[:12]}",
                where=str(folder / name),
                mend=_MEND,
            )
    return manifest


def _npy(array: NDArray[np.float32] | NDArray[np.int64]) -> memoryview:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getbuffer()
