"""Checkpoint files in the published format: safetensors, strict about every name and shape."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from visionseek.errors import CheckpointError
from visionseek.files import write_atomically

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
# EVA-CLIP stored its rotary tables; they follow from the configuration.
IGNORED = re.compile(r"(?:.*\.)?rope\.freqs_(?:cos|sin)")
_PICKLES = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "model.pt",
    "model.pth",
    "model.bin",
    "model.ckpt",
)


def find_weights(folder: Path) -> list[Path]:
    """Return the safetensors files of a checkpoint, one or its shards.

    Raises:
        CheckpointError: none, only a pickle, a broken index, or a shard that is missing.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted({str(name) for name in json.loads(index.read_bytes())["weight_map"].values()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise CheckpointError("is no index of shards", where=str(index)) from error
        if not names:
            raise CheckpointError("names no shard", where=str(index), mend="download it again")
        escaping = [name for name in names if Path(name).name != name]
        if escaping:
            raise CheckpointError(f"shard {escaping[0]!r} is outside the folder", where=str(index))
        missing = [name for name in names if not (folder / name).is_file()]
        if missing:
            raise CheckpointError(
                f"missing {len(missing)} of {len(names)} shards: {', '.join(missing)}",
                where=str(folder),
                mend="download them again",
            )
        return [folder / name for name in names]
    pickles = [name for name in _PICKLES if (folder / name).exists()]
    if pickles:
        raise CheckpointError(
            f"only a pickle ({pickles[0]}), which can run any code when it is read",
            where=str(folder),
            mend=f"get {WEIGHTS} of the same checkpoint, or convert it where you trust it",
        )
    raise CheckpointError(f"no {WEIGHTS} in this folder", where=str(folder))


def read_shapes(folder: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return name -> (shape, stored type) of every tensor but the ignored ones, reading headers only.

    Raises:
        CheckpointError: a file is missing, truncated or damaged, or a name is stored twice.
    """
    found: dict[str, tuple[tuple[int, ...], str]] = {}
    for path in find_weights(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 -- not a dict
                    if IGNORED.fullmatch(name):
                        continue
                    if name in found:
                        raise CheckpointError(f"tensor {name} is stored twice", where=str(path))
                    piece = file.get_slice(name)
                    found[name] = (tuple(piece.get_shape()), piece.get_dtype())
        except (SafetensorError, OSError) as error:
            raise damaged(path, error) from error
    return found


def compare(
    expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]
) -> tuple[list[str], list[str], list[str]]:
    """Return names that are missing, names not expected, and `name: found, expected` of wrong shapes."""
    missing = [name for name in expected if name not in found]
    unexpected = [name for name in found if name not in expected]
    wrong = [
        f"{name}: {list(found[name])}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    return missing, unexpected, wrong


def read_tensors(
    folder: Path, expected: Mapping[str, tuple[int, ...]], dtype: torch.dtype
) -> dict[str, Tensor]:
    """Read every tensor as `dtype`, after all names and shapes are found to be those expected.

    Raises:
        CheckpointError: missing, unexpected or wrongly shaped tensors, types that are no floats, or a file
            that is missing or damaged.
    """
    stored = read_shapes(folder)
    missing, unexpected, wrong = compare(expected, {name: shape for name, (shape, _) in stored.items()})
    if missing or unexpected or wrong:
        kinds = (("missing", missing), ("unexpected", unexpected), ("of the wrong shape", wrong))
        text = "; ".join(f"{len(names)} tensors {kind}: {_some(names)}" for kind, names in kinds if names)
        raise CheckpointError(text + other_family(missing, unexpected), where=str(folder))
    integers = [name for name, (_, kind) in stored.items() if "F" not in kind]
    if integers:
        raise CheckpointError(f"{len(integers)} tensors are no floats: {_some(integers)}", where=str(folder))
    tensors: dict[str, Tensor] = {}
    for path in find_weights(folder):
        try:
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 -- not a dict
                    if name in expected:
                        tensors[name] = file.get_tensor(name).to(dtype)
        except (SafetensorError, OSError) as error:
            raise damaged(path, error) from error
    return tensors


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write one safetensors file, whole or not at all."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(ready, metadata={"format": "pt"}))


def damaged(path: Path, error: Exception) -> CheckpointError:
    """Translate what safetensors says about a file; a cut download is named as such."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return CheckpointError("is empty", where=str(path), mend="download or copy it again")
    expected = _announced_size(path)
    if expected is not None and size < expected:
        return CheckpointError(
            f"truncated: {size:,} bytes of {expected:,}", where=str(path), mend="download or copy it again"
        )
    return CheckpointError(f"no readable safetensors file ({error})", where=str(path))


def _announced_size(path: Path) -> int | None:
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > 100_000_000:
                return None
            header: dict[str, Any] = json.loads(stream.read(length))
        ends = [int(value["data_offsets"][1]) for key, value in header.items() if key != "__metadata__"]
        return 8 + int(length) + max(ends, default=0)
    except (OSError, ValueError, struct.error, KeyError, TypeError, AttributeError):
        return None


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def other_family(missing: list[str], unexpected: list[str]) -> str:
    """Return words for it where the weights are plainly of the other family, else nothing."""
    v2 = "text_model.transformer.roberta."
    if any(name.startswith(v2) for name in unexpected) and not any(name.startswith(v2) for name in missing):
        return " (the weights are of family v2, config.json is of v1)"
    if any(name.startswith(v2) for name in missing) and any(
        name.startswith("text_model.transformer.") for name in unexpected
    ):
        return " (the weights are of family v1, config.json is of v2)"
    return ""
