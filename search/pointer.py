"""The pointer `index/current.json`: one flip switches the encoder version and every shard together."""

from __future__ import annotations

import json
import time
from pathlib import Path

from pydantic import Field, ValidationError

from visionseek.errors import ManifestError, NotPublished
from visionseek.files import write_atomically
from visionseek.manifests import Manifest

FILE_NAME = "current.json"
REFRESH = "visionseek index refresh"
_LOOK_AGAIN_S = 0.5


class EncoderVersion(Manifest):
    """The one version of an encoder that a generation was embedded with.

    Attributes:
        model: its name in Triton.
        version: its version in Triton; queries name it.
        fingerprint: sha256 over graph, weights and pixel rule.
        image_size: S of `pixels` [B, S, S, 3].
        pixel_rule: `shortest-crop` or `pad`.
        pixel_version: version of the decode path.
        dimension: D of `embedding` [B, D].
    """

    model: str = "vision_encoder"
    version: int = Field(ge=1)
    fingerprint: str
    image_size: int = Field(ge=1)
    pixel_rule: str
    pixel_version: int
    dimension: int = Field(ge=1)


class ShardVersion(Manifest):
    """One shard of a generation: model name and version in Triton, and how many images it holds."""

    model: str
    version: int = Field(ge=1)
    images: int = Field(ge=0)


class Pointer(Manifest):
    """What answers queries now. A query takes one and names its versions to the end.

    Attributes:
        generation: number of the generation; version of its shards.
        encoder: the encoder version that goes with it.
        shards: its shards in order.
        created: when the generation was built, ISO 8601 in UTC.
        previous: the generation that served before it was published; `rollback` goes there.
    """

    generation: int = Field(ge=1)
    encoder: EncoderVersion
    shards: tuple[ShardVersion, ...] = Field(min_length=1)
    created: str
    previous: int | None = None

    @property
    def images(self) -> int:
        """Images in all shards."""
        return sum(shard.images for shard in self.shards)


def read_pointer(index: Path) -> Pointer | None:
    """The pointer in the index folder, or None where nothing was published yet.

    Raises:
        ManifestError: the file is there but damaged.
    """
    path = index / FILE_NAME
    try:
        return Pointer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "file"
        raise ManifestError(
            f"pointer field `{field}`: {first['msg']}", where=str(path), mend=REFRESH
        ) from error


def serving_pointer(index: Path) -> Pointer | None:
    """As `read_pointer`, but None for a damaged file too: for commands that write a new one."""
    try:
        return read_pointer(index)
    except ManifestError:
        return None


def write_pointer(index: Path, pointer: Pointer) -> None:
    """Flip: readers see the old pointer or the new one, nothing between.

    Raises:
        OSError: the disk refused; the old pointer stays.
    """
    text = json.dumps(pointer.model_dump(mode="json"), indent=2, sort_keys=True)
    write_atomically(index / FILE_NAME, (text + "\n").encode())


class PointerFile:
    """Follows the pointer of a running process without a restart.

    Looks at the file's time stamp at most every half second and reads it only where that changed.
    """

    def __init__(self, index: Path) -> None:
        self._index = index
        self._pointer: Pointer | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._looked = float("-inf")

    def current(self) -> Pointer:
        """The pointer, at most half a second old.

        Raises:
            NotPublished: nothing is published.
            ManifestError: the file is damaged.
        """
        if self._pointer is None or time.monotonic() - self._looked > _LOOK_AGAIN_S:
            return self.refresh()
        return self._pointer

    def refresh(self) -> Pointer:
        """The pointer as the file says now; raises as `current`."""
        stamp = self._stat()
        if stamp is None or stamp != self._stamp or self._pointer is None:
            self._pointer = read_pointer(self._index)
            self._stamp = stamp
        self._looked = time.monotonic()
        if self._pointer is None:
            raise NotPublished("no index is published yet", where=str(self._index), mend=REFRESH)
        return self._pointer

    def _stat(self) -> tuple[int, int, int] | None:
        try:
            status = (self._index / FILE_NAME).stat()
        except FileNotFoundError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size
