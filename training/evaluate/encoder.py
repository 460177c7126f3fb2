"""What the benchmark asks of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from training.trained_on import TrainedOn
from visionseek.errors import ArtifactError
from visionseek.pixels import Rule

Pixels: TypeAlias = npt.NDArray[np.uint8]
Vectors: TypeAlias = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Pictures, and for some also texts, to unit vectors of one space.

    Attributes:
        name: what to call it in a report.
        size: side S of the squares it takes; None for whole pictures of any size, as HTTP embedders take.
        rule: how pictures become squares; of no meaning where `size` is None.
        trained_on: what it has seen; None where that is not recorded.
        reads_text: whether `encode_texts` can be called.
    """

    name: str
    size: int | None
    rule: Rule
    trained_on: TrainedOn | None
    reads_text: bool

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """Embed pictures, uint8 RGB [S, S, 3] each, or [H, W, 3] where `size` is None.

        Returns:
            float32 [N, D] of unit length.

        Raises:
            VisionSeekError: the encoder failed or does not answer.
        """

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Embed texts.

        Returns:
            float32 [N, D] of unit length.

        Raises:
            InputError: this encoder has no text tower.
        """


def unit(vectors: npt.NDArray[Any], count: int, *, where: str) -> Vectors:
    """Check that these are `count` vectors, and bring them to unit length.

    Raises:
        ArtifactError: another shape, a value that is not finite, or a vector without direction.
    """
    if vectors.ndim != 2 or len(vectors) != count or not np.issubdtype(vectors.dtype, np.floating):
        raise ArtifactError(
            f"gave {vectors.dtype} of shape {list(vectors.shape)} for {count} inputs, not vectors [{count}, D]",
            where=where,
        )
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not (lengths > 0).all():
        raise ArtifactError(
            "gave an embedding of length zero or with values that are not finite", where=where
        )
    return np.asarray(vectors / lengths, dtype=np.float32)
