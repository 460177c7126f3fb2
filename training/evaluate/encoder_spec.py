"""`--encoder SPEC`: which encoder is meant, and opening it."""

from __future__ import annotations

from pathlib import Path

from training.evaluate.encoder import Encoder
from visionseek.errors import InputError

GRAMMAR = "CHECKPOINT | onnx:FILE | triton:HOST:PORT[/MODEL] | http(s)://ADDRESS | hsv"


def open_encoder(spec: str, *, adapter: Path | None = None) -> Encoder:
    """Open the encoder that `spec` names.

    Raises:
        InputError: no such kind of encoder, or an adapter for one that takes none.
        VisionSeekError: it cannot be read or does not answer.
    """
    if adapter is not None and spec == "hsv":
        raise InputError(f"--adapter belongs to a PyTorch checkpoint, not to `{spec}`")
    if spec == "hsv":
        from training.evaluate.histogram import HsvHistogram  # noqa: PLC0415

        return HsvHistogram()
    from training.evaluate.torch_encoder import TorchEncoder  # noqa: PLC0415 -- torch takes seconds to import

    return TorchEncoder(spec, adapter=adapter)
