"""The stages of the index with their parts put together from the settings: embed, build, publish."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict
from typing import Any, cast

from catalog.database import Catalog
from catalog.store import open_pictures
from search.build import build
from search.connecting import connect
from search.embed import embed
from search.embeddings import EmbeddingStore
from search.encoder import Encoder
from search.encoders import encoder_version
from search.generations import Generations
from search.model_server import ModelServer, Pixels
from search.pointer import EncoderVersion, Pointer, serving_pointer
from search.publish import Publisher, next_generation
from search.serving import ensure_encoder
from visionseek.errors import NotFound
from visionseek.pixels import ImageLimits, Rule, load_image
from visionseek.settings import Settings

DEFAULT_SHARDS = 2
_LOAD_DEADLINE_S = 300.0

Progress = Callable[[int, int], None]


async def embed_stage(
    settings: Settings, version: int | None, server: ModelServer, on_progress: Progress
) -> dict[str, Any]:
    """Embed what the catalog holds by one encoder version, the newest where none is named.

    Raises:
        NotFound: the catalog is empty, or there is no such encoder version.
        Unavailable: Triton does not answer.
    """
    encoder = encoder_version(settings.model_repository, version)
    serving = serving_pointer(settings.index)
    with _catalog(settings) as catalog:
        _refuse_empty(catalog)
        also = [serving.encoder] if serving else []
        await ensure_encoder(
            server, encoder, settings.model_repository, also=also, deadline_s=_LOAD_DEADLINE_S
        )
        store = _store(settings, encoder)
        damaged = len(store.damaged)
        store.sweep()
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="decode") as executor:
            report = await embed(
                catalog.images(),
                _loader(settings, encoder),
                Encoder(server, encoder),
                store,
                executor=executor,
                on_progress=on_progress,
            )
    rate = report.embedded / report.seconds if report.seconds else 0.0
    return {
        "encoder_version": encoder.version,
        "fingerprint": encoder.fingerprint,
        **asdict(report),
        "images_per_second": round(rate, 1),
        "damaged_segments": damaged,
    }


def build_stage(
    settings: Settings, version: int | None, shards: int | None, on_progress: Progress
) -> dict[str, Any]:
    """Build a new generation from what is embedded; as many shards as now serve where not told.

    Raises:
        NotFound: the catalog is empty or not embedded, or there is no such encoder version.
        SettingsError: FAISS is not installed.
        ArtifactError: the disk refused.
    """
    started = time.monotonic()
    encoder = encoder_version(settings.model_repository, version)
    serving = serving_pointer(settings.index)
    count = shards or (len(serving.shards) if serving else DEFAULT_SHARDS)
    with _catalog(settings) as catalog:
        manifest = build(
            catalog.images(),
            _store(settings, encoder),
            encoder,
            Generations(settings.index),
            generation=next_generation(settings.index, settings.model_repository),
            shards=count,
            on_progress=on_progress,
        )
    return {
        "generation": manifest.generation,
        "encoder_version": encoder.version,
        "fingerprint": encoder.fingerprint,
        "shards": [shard.images for shard in manifest.shards],
        "images": manifest.images,
        "without_embedding": manifest.without_embedding,
        "seconds": time.monotonic() - started,
    }


async def publish_stage(
    settings: Settings,
    generation: int | None,
    keep: int,
    servers: Sequence[ModelServer],
    on_step: Callable[[str], None],
) -> dict[str, Any]:
    """Make a built generation serve, the newest where none is named; raises as `Publisher.publish`."""
    publisher = Publisher(settings.index, settings.model_repository, servers, on_step)
    return describe(await publisher.publish(generation, keep=keep))


async def rollback_stage(
    settings: Settings, to: int | None, servers: Sequence[ModelServer], on_step: Callable[[str], None]
) -> dict[str, Any]:
    """Make an older generation serve again; raises as `Publisher.rollback`."""
    publisher = Publisher(settings.index, settings.model_repository, servers, on_step)
    return describe(await publisher.rollback(to))


def describe(pointer: Pointer) -> dict[str, Any]:
    """What serves, for people and for `--json`."""
    return {
        "generation": pointer.generation,
        "previous": pointer.previous,
        "encoder_version": pointer.encoder.version,
        "fingerprint": pointer.encoder.fingerprint,
        "shards": [shard.images for shard in pointer.shards],
        "images": pointer.images,
    }


def connected(addresses: Sequence[str], stack: AsyncExitStack) -> list[ModelServer]:
    """A client for each address, closed with the stack."""
    servers = [connect(address) for address in addresses]
    for server in servers:
        stack.push_async_callback(server.close)
    return servers


@contextmanager
def _catalog(settings: Settings) -> Iterator[Catalog]:
    catalog = Catalog.open(settings.catalog_url())
    try:
        yield catalog
    finally:
        catalog.close()


def _refuse_empty(catalog: Catalog) -> None:
    if next(iter(catalog.images()), None) is None:
        raise NotFound("the catalog holds no images", mend="visionseek catalog import FEED")


def _store(settings: Settings, encoder: EncoderVersion) -> EmbeddingStore:
    return EmbeddingStore(settings.index / "embeddings", encoder.fingerprint, encoder.dimension)


def _loader(settings: Settings, encoder: EncoderVersion) -> Callable[[str], Pixels]:
    """Picture sha256 -> pixels, as the encoder takes them; the same way as queries go."""
    pictures = open_pictures(settings)
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels, settings.max_image_frames)
    rule = cast("Rule", encoder.pixel_rule)

    def load(picture: str) -> Pixels:
        return load_image(pictures.get(picture), encoder.image_size, rule, limits=limits, alpha="over-white")

    return load
