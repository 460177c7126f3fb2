"""A model server inside the process, for tests and trials without Triton.

It serves the same model repository by the same protocol and the same rules about versions; `exact` numpy
search stands in for FAISS, and a seeded projection of the pixels for the encoder.
"""

from __future__ import annotations

import asyncio
import json
import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search.model_config import parameters_of, versions_named
from search.model_server import ServedVersion, Vectors
from visionseek.errors import DeadlineExceeded, InputError, ModelNotServed, Unavailable, VisionSeekError
from visionseek.files import sha256_file
from visionseek.manifests import EncoderManifest, read_manifest

_GRID = 8


class InProcessModelServer:
    """Implements `ModelServer` over a model repository on disk.

    Args:
        repository: the folder of models.

    Attributes:
        down: while true nothing answers.
        delays: model -> seconds that each answer takes.
        calls: every inference as (model, version), in order.
    """

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._models: dict[str, dict[int, _Model]] = {}
        self._configs: dict[str, str] = {}
        self.down = False
        self.delays: dict[str, float] = {}
        self.calls: list[tuple[str, int]] = []

    @property
    def address(self) -> str:
        """A name for messages."""
        return "this process"

    async def close(self) -> None:
        """Nothing to give back."""

    async def infer(
        self,
        model: str,
        version: int,
        inputs: Mapping[str, NDArray[Any]],
        outputs: Sequence[str],
        *,
        deadline_s: float,
        parameters: Mapping[str, str | int | bool] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run one version; see `ModelServer.infer`."""
        await self._wait(model, deadline_s)
        served = self._models.get(model, {})
        if version not in served:
            raise ModelNotServed(f"{model} version {version} is not served", where=self.address)
        self.calls.append((model, version))
        answer = served[version].infer(inputs, dict(parameters or {}))
        return {name: answer[name] for name in outputs}

    async def load(self, model: str, *, deadline_s: float, config: str | None = None) -> None:
        """Load the versions that `config.pbtxt`, or `config`, names; see `ModelServer.load`."""
        await self._wait(model, deadline_s)
        folder = self._repository / model
        if not (folder / "config.pbtxt").is_file():
            raise Unavailable(f"load of {model}: no config.pbtxt", where=str(folder))
        text = config if config is not None else (folder / "config.pbtxt").read_text()
        loaded: dict[int, _Model] = {}
        for version in versions_named(text, folder):
            try:
                loaded[version] = _open(folder / str(version))
            except (OSError, ValueError, VisionSeekError) as error:
                raise Unavailable(
                    f"load of {model}: version {version}: {error}", where=str(folder)
                ) from error
        self._models[model] = loaded
        self._configs[model] = text

    async def unload(self, model: str, *, deadline_s: float) -> None:
        """Stop serving every version of a model."""
        await self._wait(model, deadline_s)
        self._models.pop(model, None)

    async def ready(self, *, deadline_s: float) -> bool:
        """Whether it answers."""
        del deadline_s
        return not self.down

    async def model_ready(self, model: str, version: int, *, deadline_s: float) -> bool:
        """Whether this version of a model answers."""
        await self._wait(model, deadline_s)
        return version in self._models.get(model, {})

    async def repository(self, *, deadline_s: float) -> list[ServedVersion]:
        """What is loaded."""
        await self._wait("", deadline_s)
        return [
            ServedVersion(model, version, "READY")
            for model, versions in sorted(self._models.items())
            for version in sorted(versions)
        ]

    async def config(self, model: str, *, deadline_s: float) -> dict[str, Any]:
        """Name and parameters of a loaded model."""
        await self._wait(model, deadline_s)
        if model not in self._models:
            raise ModelNotServed(f"{model} is not served", where=self.address)
        return {"name": model, "parameters": parameters_of(self._configs[model])}

    async def _wait(self, model: str, deadline_s: float) -> None:
        if self.down:
            raise Unavailable("nothing answers", where=self.address)
        delay = self.delays.get(model, 0.0)
        await asyncio.sleep(min(delay, max(deadline_s, 0.0)))
        if delay > deadline_s or deadline_s <= 0:
            raise DeadlineExceeded(
                f"{model}: no answer within {deadline_s * 1000:.0f} ms", where=self.address
            )


class _Encoder:
    """Means over a grid, through a projection that the fingerprint seeds: like pictures stay alike."""

    def __init__(self, folder: Path) -> None:
        manifest = read_manifest(EncoderManifest, folder)
        self._projection = projection(manifest.fingerprint, manifest.dimension)

    def infer(
        self, inputs: Mapping[str, NDArray[Any]], parameters: Mapping[str, str | int | bool]
    ) -> dict[str, NDArray[Any]]:
        del parameters
        return {"embedding": encode(inputs["pixels"], self._projection)}


class _Shard:
    """Exact search over `vectors.npy`, whatever index lies beside it."""

    def __init__(self, folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        for name, digest in manifest["files"].items():
            if sha256_file(folder / name) != digest:
                raise ValueError(f"{folder / name}: sha256 differs from the manifest")
        self._vectors: Vectors = np.load(folder / "vectors.npy")
        self._ids = np.load(folder / "image_ids.npy")
        self._columns = json.loads((folder / "columns.json").read_bytes())

    def infer(
        self, inputs: Mapping[str, NDArray[Any]], parameters: Mapping[str, str | int | bool]
    ) -> dict[str, NDArray[Any]]:
        query = inputs["query"]
        k = int(parameters.get("k", 10))
        if query.shape[1] != self._vectors.shape[1]:
            raise InputError(f"query has dimension {query.shape[1]}, the shard {self._vectors.shape[1]}")
        rows = _passing(self._columns, json.loads(str(parameters.get("filter", "{}"))), len(self._ids))
        similar = query @ self._vectors[rows].T
        order = np.argsort(-similar, axis=1, kind="stable")[:, :k]
        scores = np.full((len(query), k), -np.inf, np.float32)
        ids = np.full((len(query), k), -1, np.int64)
        scores[:, : order.shape[1]] = np.take_along_axis(similar, order, axis=1)
        ids[:, : order.shape[1]] = self._ids[rows][order]
        return {"scores": scores, "image_ids": ids, "extra": np.frombuffer(b"{}", np.uint8)}


_Model = _Encoder | _Shard


_BOUNDS = {
    "min": operator.ge,
    "gte": operator.ge,
    "gt": operator.gt,
    "max": operator.le,
    "lte": operator.le,
    "lt": operator.lt,
}


def _passing(columns: Mapping[str, Sequence[Any]], wanted: Mapping[str, Any], rows: int) -> NDArray[np.int64]:
    unknown = sorted(set(wanted) - set(columns))
    if unknown:
        raise InputError(f"filter names no column: {', '.join(unknown)}")
    return np.array(
        [
            row
            for row in range(rows)
            if all(_passes(columns[field][row], want) for field, want in wanted.items())
        ],
        np.int64,
    )


def _passes(value: Any, want: Any) -> bool:
    if value is None:
        return False
    if isinstance(want, Mapping):
        return all(_BOUNDS[name](value, bound) for name, bound in want.items())
    return value in want if isinstance(want, list) else bool(value == want)


def projection(fingerprint: str, dimension: int) -> Vectors:
    """float32 [3 * 8 * 8 + 1, D], a function of the fingerprint; the last row is a bias."""
    seed = int.from_bytes(fingerprint.encode()[:32], "little")
    return np.random.default_rng(seed).standard_normal((3 * _GRID**2 + 1, dimension), np.float32)


def encode(pixels: NDArray[np.uint8], matrix: Vectors) -> Vectors:
    """uint8 [B, S, S, 3], S a multiple of 8, to float32 [B, D] of unit length."""
    batch, size = pixels.shape[:2]
    cell = size // _GRID
    means = pixels.reshape(batch, _GRID, cell, _GRID, cell, 3).mean((2, 4), dtype=np.float32) / 255.0
    features = np.concatenate([means.reshape(batch, -1) - 0.5, np.full((batch, 1), 0.1, np.float32)], axis=1)
    vectors = features @ matrix
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _open(folder: Path) -> _Model:
    return _Shard(folder) if (folder / "vectors.npy").exists() else _Encoder(folder)
