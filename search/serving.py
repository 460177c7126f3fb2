"""Has Triton loaded what queries will name? If not, it loads it, without retiring what serves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from search.encoder import Encoder
from search.model_config import with_versions
from search.model_server import ModelServer
from search.pointer import EncoderVersion, Pointer
from visionseek.errors import ManifestError, ModelNotServed, Unavailable


async def ensure_encoder(
    server: ModelServer,
    encoder: EncoderVersion,
    repository: Path,
    *,
    also: Sequence[EncoderVersion],
    deadline_s: float,
) -> None:
    """Make `server` serve this encoder version and the `also` ones, and check its fingerprint.

    An encoder's `config.pbtxt` serves its latest versions; an older one is asked for by number. Of the
    `also` ones only those stay that are served now.

    Raises:
        Unavailable: it cannot be loaded; the message has Triton's words.
        FingerprintMismatch: another encoder is served under this version.
    """

    async def ready(version: int) -> bool:
        return await server.model_ready(encoder.model, version, deadline_s=deadline_s)

    if not await ready(encoder.version):
        others = {other.version for other in also if other.model == encoder.model}
        stay = [version for version in others if await ready(version)]
        config = with_versions(_config(repository, encoder.model), [encoder.version, *stay])
        await server.load(encoder.model, config=config, deadline_s=deadline_s)
    if not await ready(encoder.version):
        raise Unavailable(
            f"{encoder.model} version {encoder.version} is not ready after its load",
            where=f"Triton at {server.address}",
        )
    await Encoder(server, encoder).check_fingerprint(deadline_s=deadline_s)


async def ensure_serving(
    server: ModelServer, pointer: Pointer, repository: Path, *, deadline_s: float
) -> None:
    """Make `server` serve all that the pointer names; for a Triton that was just started.

    Raises:
        Unavailable: something cannot be loaded; the message has Triton's words.
        FingerprintMismatch: another encoder is served under the version that the pointer names.
    """
    await ensure_encoder(server, pointer.encoder, repository, also=(), deadline_s=deadline_s)
    await asyncio.gather(*(_ensure_shard(server, s.model, s.version, deadline_s) for s in pointer.shards))


def _config(repository: Path, model: str) -> str:
    path = repository / model / "config.pbtxt"
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise ManifestError("the model has no config.pbtxt", where=str(path), mend="visionseek up") from error


async def _ensure_shard(server: ModelServer, model: str, version: int, deadline_s: float) -> None:
    if not await server.model_ready(model, version, deadline_s=deadline_s):
        await server.load(model, deadline_s=deadline_s)
    if not await server.model_ready(model, version, deadline_s=deadline_s):
        raise ModelNotServed(
            f"{model} version {version} is not ready after its load",
            where=f"Triton at {server.address}",
            mend="visionseek index verify",
        )
