"""Built generations on disk: `index/generations/<number>/`, whole or not there."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import Field

from search.pointer import EncoderVersion, Pointer, ShardVersion
from search.shards import ShardManifest, check_shard
from visionseek.errors import ManifestError, NotFound
from visionseek.manifests import FILE_NAME, Manifest, read_manifest


class GenerationManifest(Manifest):
    """Beside the shards of every generation.

    Attributes:
        generation: its number, never given twice.
        created: ISO 8601 in UTC.
        encoder: the one encoder version that all its vectors come from.
        shards: model name of each shard, and how many images it holds.
        without_embedding: images of the catalog that it leaves out because their picture has no embedding.
    """

    generation: int = Field(ge=1)
    created: str
    encoder: EncoderVersion
    shards: tuple[ShardVersion, ...] = Field(min_length=1)
    without_embedding: int

    @property
    def images(self) -> int:
        """Images in all shards."""
        return sum(shard.images for shard in self.shards)

    def pointer(self, previous: int | None) -> Pointer:
        """What `current.json` says when this generation serves."""
        return Pointer(
            generation=self.generation,
            encoder=self.encoder,
            shards=self.shards,
            created=self.created,
            previous=previous,
        )


class Generations:
    """The folder of built generations."""

    def __init__(self, index: Path) -> None:
        self.root = index / "generations"

    def path(self, generation: int) -> Path:
        """Where a generation lies, or would lie."""
        return self.root / str(generation)

    def numbers(self) -> list[int]:
        """Numbers of all that are here, oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.root.iterdir() if entry.name.isdigit())

    def read(self, generation: int) -> GenerationManifest:
        """The manifest of one.

        Raises:
            NotFound: no such generation is kept.
            ManifestError: its manifest is damaged.
        """
        if not self.path(generation).is_dir():
            kept = ", ".join(map(str, self.numbers())) or "none"
            raise NotFound(
                f"there is no generation {generation} (kept: {kept})",
                where=str(self.root),
                mend="visionseek index list; visionseek index build makes a new one",
            )
        return read_manifest(GenerationManifest, self.path(generation))

    def newest(self) -> GenerationManifest:
        """The one built last; raises NotFound where none was."""
        numbers = self.numbers()
        if not numbers:
            raise NotFound("no generation is built", where=str(self.root), mend="visionseek index build")
        return self.read(numbers[-1])

    def check(self, generation: int) -> GenerationManifest:
        """Hold every file of a generation against its checksum, and the shards against each other.

        Raises:
            NotFound: no such generation is kept.
            ManifestError: something is not what was built; the message names the file.
        """
        manifest = self.read(generation)
        for number, shard in enumerate(manifest.shards):
            _fits(check_shard(self.path(generation) / shard.model), manifest, number)
        expected = {shard.model for shard in manifest.shards} | {FILE_NAME}
        if strange := sorted({entry.name for entry in self.path(generation).iterdir()} - expected):
            raise ManifestError(f"{', '.join(strange)} not in the manifest", where=str(self.path(generation)))
        return manifest

    def remove(self, generation: int) -> None:
        """Forget a generation; nothing happens where it is not kept."""
        doomed = self.root / f".removed-{generation}"
        if self.path(generation).exists():
            self.path(generation).rename(doomed)  # out of sight at once, whatever happens during the delete
        shutil.rmtree(doomed, ignore_errors=True)


def _fits(shard: ShardManifest, manifest: GenerationManifest, number: int) -> None:
    found = (shard.generation, shard.shard, shard.shards, shard.images, shard.dimension, shard.fingerprint)
    meant = (
        manifest.generation,
        number,
        len(manifest.shards),
        manifest.shards[number].images,
        manifest.encoder.dimension,
        manifest.encoder.fingerprint,
    )
    if found != meant:
        raise ManifestError(
            f"shard {number} says {found}, its generation says {meant} (generation, shard, shards, images, "
            "dimension, fingerprint)",
            where=manifest.shards[number].model,
        )
