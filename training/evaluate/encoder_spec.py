"""`--encoder SPEC`: which encoder is meant, and opening it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from training.evaluate.encoder import Encoder
from visionseek.errors import InputError
from visionseek.pixels import Rule

GRAMMAR = "CHECKPOINT | onnx:FILE[,TEXT_FILE] | triton:HOST:PORT[/MODEL] | http(s)://ADDRESS | hsv"
_TRITON = re.compile(r"(?P<address>[^/\s]+:\d{1,5})(?:/(?P<model>[\w.-]+))?")
_KIND = re.compile(r"([a-zA-Z][a-zA-Z0-9_-]+):")


def open_encoder(spec: str, *, adapter: Path | None = None, rule: Rule | None = None) -> Encoder:
    """Open the encoder that `spec` names.

    Args:
        spec: `GRAMMAR`; a checkpoint is a folder or an id on the model hub.
        adapter: a LoRA adapter for a checkpoint.
        rule: how pictures become squares, instead of what the encoder says of itself.

    Raises:
        InputError: no such kind of encoder, or an adapter for one that takes none.
        VisionSeekError: it cannot be read or does not answer.
    """
    kind = _kind(spec)
    if adapter is not None and kind != "checkpoint":
        raise InputError(f"--adapter belongs to a PyTorch checkpoint, not to `{spec}`")
    encoder = _open(kind, spec, adapter)
    if rule is not None:
        encoder.rule = rule
    return encoder


def _kind(spec: str) -> str:
    if spec == "hsv" or not spec.strip():
        return spec.strip() or _refuse(spec, "it is empty")
    named = _KIND.match(spec)
    if named is None or Path(spec).exists():
        return "checkpoint"
    kind = named.group(1).lower()
    return (
        kind if kind in ("onnx", "triton", "http", "https") else _refuse(spec, f"there is no kind `{kind}`")
    )


def _open(kind: str, spec: str, adapter: Path | None) -> Encoder:
    # Each kind needs a library that takes long to import or is an extra.
    match kind:
        case "hsv":
            from training.evaluate.histogram import HsvHistogram  # noqa: PLC0415

            return HsvHistogram()
        case "onnx":
            from training.evaluate.onnx_encoder import OnnxEncoder  # noqa: PLC0415

            vision, _, text = spec.partition(":")[2].partition(",")
            if not vision:
                _refuse(spec, "it names no file")
            return OnnxEncoder(Path(vision), Path(text) if text else None)
        case "triton":
            from training.evaluate.triton_encoder import MODEL, TritonEncoder  # noqa: PLC0415

            found = _TRITON.fullmatch(spec.partition(":")[2])
            if found is None:
                _refuse(spec, "it is no triton:HOST:PORT")
            return TritonEncoder(found["address"], model=found["model"] or MODEL)
        case "http" | "https":
            from training.evaluate.http_encoder import HttpEncoder  # noqa: PLC0415

            return HttpEncoder(spec)
    from training.evaluate.torch_encoder import TorchEncoder  # noqa: PLC0415

    return TorchEncoder(spec, adapter=adapter)


def _refuse(spec: str, why: str) -> NoReturn:
    raise InputError(f"--encoder {spec!r} names no encoder: {why}", mend=GRAMMAR)
