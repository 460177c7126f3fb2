"""The shards' part of the model repository that Triton serves."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from search.model_config import shard_config
from search.shards import ShardManifest, check_shard
from visionseek.errors import ManifestError
from visionseek.files import write_atomically
from visionseek.manifests import read_manifest

CONFIG = "config.pbtxt"
_SHARD = re.compile(r"catalog_shard_\d{2,}")


class ShardRepository:
    """Places and removes versions of `catalog_shard_*`; a version is whole or not there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self) -> list[str]:
        """Names of the shards' models that are here."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if _SHARD.fullmatch(entry.name))

    def versions(self, model: str) -> list[int]:
        """Versions of a model that are here, oldest first."""
        folder = self.root / model
        if not folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in folder.iterdir() if entry.name.isdigit())

    def place(self, shard: Path, model: str, version: int) -> None:
        """Put a built shard in as a version of a model; one that is there and whole is kept.

        Raises:
            OSError: the disk refused; no half version is left.
        """
        final = self.root / model / str(version)
        if final.exists():
            if _same(final, shard):
                return
            self.withdraw(model, version)
        partial = final.with_name(f".placing-{version}")
        # Also what a publish left behind that was killed here, whichever generation it was about.
        for leftover in [*final.parent.glob(".placing-*"), *final.parent.glob(".removed-*")]:
            shutil.rmtree(leftover, ignore_errors=True)
        for half in final.parent.glob(f".{CONFIG}.*"):
            half.unlink(missing_ok=True)
        try:
            partial.mkdir(parents=True)
            for file in sorted(shard.iterdir()):
                _link_or_copy(file, partial / file.name)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise

    def withdraw(self, model: str, version: int) -> None:
        """Take a version out of a model; the whole model where it was the last."""
        folder = self.root / model
        if (folder / str(version)).exists():
            doomed = folder / f".removed-{version}"
            (folder / str(version)).rename(doomed)
            shutil.rmtree(doomed, ignore_errors=True)
        if folder.is_dir() and not self.versions(model):
            shutil.rmtree(folder, ignore_errors=True)

    def config(self, model: str) -> bytes | None:
        """The model's `config.pbtxt`, or None where there is none."""
        path = self.root / model / CONFIG
        return path.read_bytes() if path.is_file() else None

    def restore_config(self, model: str, content: bytes | None) -> None:
        """Put back what `config` gave."""
        path = self.root / model / CONFIG
        if content is not None:
            write_atomically(path, content)
        else:
            path.unlink(missing_ok=True)

    def serve(self, model: str, versions: Iterable[int]) -> None:
        """Write the model's `config.pbtxt`, so that the next load serves those of the versions that are here.

        Raises:
            ManifestError: a version's manifest is damaged.
        """
        here = sorted(set(versions) & set(self.versions(model)))
        manifests = {v: read_manifest(ShardManifest, self.root / model / str(v)) for v in here}
        fingerprints = {version: manifest.fingerprint for version, manifest in manifests.items()}
        write_atomically(self.root / model / CONFIG, shard_config(model, fingerprints).encode())


def _same(placed: Path, shard: Path) -> bool:
    """Whether the placed version is whole and of the same build."""
    try:
        return check_shard(placed) == read_manifest(ShardManifest, shard)
    except ManifestError:
        return False


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)  # shards are never changed, so both places may share the bytes
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
        with target.open("rb") as stream:
            os.fsync(stream.fileno())
