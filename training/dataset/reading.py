"""A data set back into samples, for training and evaluation; every file checked where it is asked for."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.dataset.manifest import DatasetManifest
from visionseek.errors import ArtifactError, InputError, ManifestError
from visionseek.files import sha256_file
from visionseek.manifests import read_manifest


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: the picture's JPEG bytes and the facts of its JSON file."""

    key: str
    jpeg: bytes
    facts: dict[str, Any]


def read_samples(folder: Path, split: str) -> Iterator[Sample]:
    """Samples of a split in the order of the shards, streaming.

    Raises:
        InputError: no such split.
        ManifestError: no data set in the folder.
        ArtifactError: a shard that is missing or does not read.
    """
    manifest = read_manifest(DatasetManifest, folder)
    if split not in manifest.samples:
        raise InputError(
            f"no split `{split}`", where=str(folder), mend=f"splits: {', '.join(manifest.samples)}"
        )
    for shard in manifest.shards:
        if shard.split == split:
            yield from read_shard(folder / shard.name)


def read_shard(path: Path) -> Iterator[Sample]:
    """Samples of one shard, streaming.

    Raises:
        ArtifactError: missing, cut short or not a shard.
    """
    try:
        with tarfile.open(path, "r|") as tar:
            picture: tuple[str, bytes] | None = None
            for entry in tar:
                stem, _, kind = entry.name.rpartition(".")
                stream = tar.extractfile(entry)
                data = stream.read() if stream else b""
                if kind == "jpg":
                    picture = stem, data
                elif picture is not None and picture[0] == stem:
                    yield Sample(stem, picture[1], json.loads(data))
    except (OSError, tarfile.TarError, ValueError) as error:
        mend = "make the data set again: visionseek train augment"
        raise ArtifactError(f"not a whole shard: {error}", where=str(path), mend=mend) from error


def verify(folder: Path) -> DatasetManifest:
    """The manifest, after every shard was hashed.

    Raises:
        ManifestError: a shard is missing or its bytes are not what the manifest says.
    """
    manifest = read_manifest(DatasetManifest, folder)
    for shard in manifest.shards:
        path = folder / shard.name
        if not path.is_file() or sha256_file(path) != shard.sha256:
            raise ManifestError(
                "shard is missing or differs from its hash",
                where=str(path),
                mend="delete it and run visionseek train augment again",
            )
    return manifest
