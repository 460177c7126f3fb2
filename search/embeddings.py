"""The embedding store: vectors by picture, of one encoder fingerprint, that survive a crash.

    index/embeddings/<fingerprint>/segment-00000001-<sha256, 8 hex digits>.npy

A segment is a NumPy file of records (picture sha256, vector), followed by the sha256 of all that. It appears
whole, by a rename, and is never changed; what is acknowledged is on the disk.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.disk import disk_errors
from search.model_server import Vectors
from visionseek.errors import ArtifactError
from visionseek.files import write_atomically

_CHECKSUM_BYTES = 32
_SEGMENT = re.compile(r"segment-(\d{8})-[0-9a-f]{8}\.npy")
_FINGERPRINT = re.compile(r"[0-9A-Za-z_-]{1,128}")


class EmbeddingStore:
    """Embeddings of one encoder; one process writes, any number read.

    Args:
        root: the `embeddings` folder of the index.
        fingerprint: of the encoder; vectors of two encoders never meet.
        dimension: D of the vectors.

    Attributes:
        damaged: segments that are not what was written; their pictures count as missing.

    Raises:
        ArtifactError: the disk refuses, or the fingerprint cannot name a folder.
    """

    def __init__(self, root: Path, fingerprint: str, dimension: int) -> None:
        if not _FINGERPRINT.fullmatch(fingerprint):
            raise ArtifactError(f"{fingerprint!r} is no fingerprint", where=str(root))
        self.folder = root / fingerprint
        self.dimension = dimension
        self.damaged: list[Path] = []
        self._record = np.dtype([("picture", "V32"), ("vector", "<f4", (dimension,))])
        self._segments: list[NDArray[Any]] = []
        self._places: dict[bytes, tuple[int, int]] = {}
        self._last = 0
        with disk_errors(self.folder):
            if self.folder.is_dir():
                self._read()

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, picture: str) -> bool:
        return bytes.fromhex(picture) in self._places

    def append(self, pictures: Sequence[str], vectors: Vectors) -> None:
        """Keep float32 [n, D], one row a picture; they are on the disk when this returns.

        Raises:
            ValueError: shapes that do not fit.
            ArtifactError: the disk refused; nothing of this batch is kept.
        """
        if vectors.shape != (len(pictures), self.dimension):
            shape = [len(pictures), self.dimension]
            raise ValueError(f"expected vectors {shape}, got {list(vectors.shape)}")
        if not len(pictures):
            return
        records = np.empty(len(pictures), self._record)
        records["picture"] = np.frombuffer(bytes.fromhex("".join(pictures)), "V32")
        records["vector"] = vectors
        stream = io.BytesIO()
        np.save(stream, records, allow_pickle=False)
        digest = hashlib.sha256(stream.getbuffer())
        stream.write(digest.digest())
        path = self.folder / f"segment-{self._last + 1:08d}-{digest.hexdigest()[:8]}.npy"
        with disk_errors(path):
            write_atomically(path, stream.getvalue())
        self._last += 1
        self._add(records)

    def gather(self, pictures: Sequence[str]) -> Vectors:
        """float32 [n, D], one row a picture.

        Raises:
            KeyError: a picture that has no embedding.
        """
        out = np.empty((len(pictures), self.dimension), np.float32)
        for row, picture in enumerate(pictures):
            segment, place = self._places[bytes.fromhex(picture)]
            out[row] = self._segments[segment]["vector"][place]
        return out

    def sweep(self) -> None:
        """Delete damaged segments and what an interrupted write left behind; for the one that writes.

        Raises:
            ArtifactError: the disk refused.
        """
        if not self.folder.is_dir():
            return
        with disk_errors(self.folder):
            for leftover in [*self.damaged, *self.folder.glob(".segment-*")]:
                leftover.unlink(missing_ok=True)
        self.damaged.clear()

    def _read(self) -> None:
        for path in sorted(self.folder.iterdir()):
            if match := _SEGMENT.fullmatch(path.name):
                self._last = max(self._last, int(match[1]))
                records = self._open(path)
                if records is None:
                    self.damaged.append(path)
                else:
                    self._add(records)

    def _open(self, path: Path) -> NDArray[Any] | None:
        """A segment mapped into memory, or None where it is not what was written."""
        size = path.stat().st_size
        with path.open("rb") as stream:
            digest = hashlib.sha256()
            left = size - _CHECKSUM_BYTES
            while left > 0 and (piece := stream.read(min(left, 1 << 20))):
                digest.update(piece)
                left -= len(piece)
            if stream.read() != digest.digest():
                return None
        records: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return records if records.dtype == self._record else None

    def _add(self, records: NDArray[Any]) -> None:
        segment = len(self._segments)
        self._segments.append(records)
        self._places.update(
            (picture.tobytes(), (segment, row)) for row, picture in enumerate(records["picture"])
        )
