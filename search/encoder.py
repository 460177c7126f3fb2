"""Pixels to embeddings, by one named version of an encoder."""

from __future__ import annotations

from typing import Any

import numpy as np

from search.model_server import ModelServer, Pixels, Vectors
from search.pointer import REFRESH, EncoderVersion
from visionseek.errors import FingerprintMismatch, ModelNotServed, Unavailable

FINGERPRINT_KEY = "fingerprint."
# fp32 normalisation leaves about 1e-6, bf16 about 4e-3; beyond that inner products are no cosines.
_UNIT_TOLERANCE = 1e-2


class Encoder:
    """One encoder version on a model server.

    Args:
        server: where it is served.
        encoder: which version, and what it takes and gives.
    """

    def __init__(self, server: ModelServer, encoder: EncoderVersion) -> None:
        self._server = server
        self.version = encoder

    async def encode(self, pixels: Pixels, *, deadline_s: float) -> Vectors:
        """uint8 [B, S, S, 3] to float32 [B, D] of unit length.

        Raises:
            ValueError: pixels of another shape or type.
            Unavailable: no answer, or one that is no embedding.
            DeadlineExceeded: no answer in time.
        """
        size = self.version.image_size
        if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (size, size, 3):
            raise ValueError(
                f"pixels must be uint8 [B, {size}, {size}, 3], got {pixels.dtype} {pixels.shape}"
            )
        outputs = await self._server.infer(
            self.version.model,
            self.version.version,
            {"pixels": pixels},
            ["embedding"],
            deadline_s=deadline_s,
        )
        return self._checked(outputs["embedding"], len(pixels))

    async def check_fingerprint(self, *, deadline_s: float) -> None:
        """Ask the server whether it serves the very encoder that was meant.

        Raises:
            FingerprintMismatch: it serves another one under this version.
            ModelNotServed: it does not serve this version.
        """
        served = await served_fingerprints(self._server, self.version.model, deadline_s=deadline_s)
        found = served.get(self.version.version)
        if found != self.version.fingerprint:
            says = f"is {_short(found)}" if found else "has no fingerprint in its config.pbtxt"
            raise FingerprintMismatch(
                f"the index belongs to encoder {_short(self.version.fingerprint)}, but version "
                f"{self.version.version} of {self.version.model} {says}",
                where=f"Triton at {self._server.address}",
                mend=REFRESH,
            )

    def _checked(self, vectors: Any, batch: int) -> Vectors:
        name = f"{self.version.model} version {self.version.version}"
        where = f"Triton at {self._server.address}"
        expected = (batch, self.version.dimension)
        if vectors.shape != expected or vectors.dtype != np.float32:
            raise Unavailable(
                f"{name} gave {vectors.dtype} {list(vectors.shape)} instead of float32 {list(expected)}",
                where=where,
            )
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.all(np.abs(lengths - 1.0) < _UNIT_TOLERANCE):  # false for NaN too
            worst = float(lengths[np.argmax(np.abs(np.nan_to_num(lengths, nan=np.inf) - 1.0))])
            raise Unavailable(f"{name} gave an embedding of length {worst:.4f} instead of 1", where=where)
        result: Vectors = vectors
        return result


async def served_fingerprints(server: ModelServer, model: str, *, deadline_s: float) -> dict[int, str]:
    """Fingerprint of each version, as the model's configuration says (`fingerprint.<version>`).

    Raises:
        ModelNotServed: no version of it is served.
    """
    config = await server.config(model, deadline_s=deadline_s)
    parameters = config.get("parameters") or {}
    if not config:
        raise ModelNotServed(f"{model} is not served", where=f"Triton at {server.address}")
    return {
        int(key.removeprefix(FINGERPRINT_KEY)): str(value.get("string_value", ""))
        for key, value in parameters.items()
        if key.startswith(FINGERPRINT_KEY) and key.removeprefix(FINGERPRINT_KEY).isdigit()
    }


def _short(fingerprint: str | None) -> str:
    return (fingerprint or "unknown")[:12]
