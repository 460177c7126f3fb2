"""Is a loaded shard what was built? A stored vector must find its own image first."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from search.model_server import ModelServer
from search.pointer import ShardVersion
from search.shards import IMAGE_IDS, VECTORS
from visionseek.errors import ArtifactError, Unavailable

_PROBES = 3
# An index of 8-bit vectors is off by up to about 1e-2 where its scores are not exact.
_TOLERANCE = 2e-2


async def probe_shard(server: ModelServer, shard: ShardVersion, folder: Path, *, deadline_s: float) -> None:
    """Ask for the first, middle and last vector of the built shard in `folder`.

    Args:
        server: has loaded the shard.
        shard: model and version to ask.
        folder: the built shard, whose vectors are asked for.
        deadline_s: seconds for each answer.

    Raises:
        Unavailable: the shard is not ready or does not answer.
        ArtifactError: it answers with other images than were built.
    """
    if not await server.model_ready(shard.model, shard.version, deadline_s=deadline_s):
        raise Unavailable(
            f"{shard.model} version {shard.version} is not ready after its load",
            where=f"Triton at {server.address}",
        )
    if not shard.images:
        return
    vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
    image_ids = np.load(folder / IMAGE_IDS, allow_pickle=False)
    rows = np.unique(np.linspace(0, shard.images - 1, _PROBES).astype(int))
    answers = await asyncio.gather(
        *(
            server.infer(
                shard.model,
                shard.version,
                {"query": np.array(vectors[row : row + 1])},
                ["scores", "image_ids"],
                deadline_s=deadline_s,
                parameters={"k": 1},
            )
            for row in rows
        )
    )
    for row, answer in zip(rows, answers, strict=True):
        score, found = float(answer["scores"][0, 0]), int(answer["image_ids"][0, 0])
        place = np.flatnonzero(image_ids == found)
        # Several images may show one picture, so what must be equal is the vector, not the id.
        alike = float(vectors[place[0]] @ vectors[row]) if len(place) else -1.0
        if alike < 1 - _TOLERANCE or abs(score - 1.0) > _TOLERANCE:
            raise ArtifactError(
                f"{shard.model} version {shard.version} does not find image {image_ids[row]} by its own "
                f"vector (found {found} with score {score:.4f})",
                where=f"Triton at {server.address}",
                mend="visionseek index build, then publish again; Triton's log may say more",
            )
