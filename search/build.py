"""A new generation from the embedding store and the catalog: N shards in a folder that appears at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from search.columns import Value, row_of
from search.disk import disk_errors
from search.embeddings import EmbeddingStore
from search.faiss_index import FLAT_UP_TO
from search.generations import GenerationManifest, Generations
from search.pointer import EncoderVersion, ShardVersion
from search.sharding import shard_name, shards_of
from search.shards import write_shard
from visionseek.errors import NotFound
from visionseek.manifests import write_manifest
from visionseek.vocabulary import Product, ProductImage


def build(
    images: Iterable[tuple[ProductImage, Product]],
    store: EmbeddingStore,
    encoder: EncoderVersion,
    generations: Generations,
    *,
    generation: int,
    shards: int,
    on_progress: Callable[[int, int], None],
    flat_up_to: int = FLAT_UP_TO,
) -> GenerationManifest:
    """Write generation number `generation`.

    Args:
        images: the catalog's live images with their products.
        store: their embeddings; images whose picture is not in it are left out and counted.
        encoder: the encoder version that `store` belongs to.
        generations: where it goes.
        generation: its number; must be new.
        shards: how many shards.
        on_progress: called with shards written and `shards`.
        flat_up_to: rows up to which a shard is searched exactly.

    Raises:
        NotFound: the catalog is empty, or none of its pictures is embedded.
        SettingsError: FAISS is not installed.
        ArtifactError: the disk refused; nothing of the generation is left.
    """
    ids, pictures, rows, left_out = _embedded(images, store)
    if not ids:
        raise _nothing_to_build(left_out)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    final = generations.path(generation)
    partial = final.with_name(f".building-{generation}")
    image_ids = np.array(ids, np.int64)
    homes = shards_of(image_ids, shards)
    written: list[ShardVersion] = []
    on_progress(0, shards)
    with disk_errors(final):
        try:
            _clear(generations.root)
            for shard in range(shards):
                members = np.flatnonzero(homes == shard)
                manifest = write_shard(
                    partial / shard_name(shard),
                    store.gather([pictures[row] for row in members]),
                    image_ids[members],
                    [rows[row] for row in members],
                    generation=generation,
                    shard=shard,
                    shards=shards,
                    fingerprint=encoder.fingerprint,
                    created=created,
                    flat_up_to=flat_up_to,
                )
                written.append(
                    ShardVersion(model=shard_name(shard), version=generation, images=manifest.images)
                )
                on_progress(shard + 1, shards)
            whole = GenerationManifest(
                generation=generation,
                created=created,
                encoder=encoder,
                shards=tuple(written),
                without_embedding=left_out,
            )
            write_manifest(whole, partial)
            partial.rename(final)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return whole


def _embedded(
    images: Iterable[tuple[ProductImage, Product]], store: EmbeddingStore
) -> tuple[list[int], list[str], list[dict[str, Value]], int]:
    ids: list[int] = []
    pictures: list[str] = []
    rows: list[dict[str, Value]] = []
    left_out = 0
    for image, product in images:
        if image.sha256 in store:
            ids.append(image.id)
            pictures.append(image.sha256)
            rows.append(row_of(product))
        else:
            left_out += 1
    return ids, pictures, rows, left_out


def _nothing_to_build(left_out: int) -> NotFound:
    if left_out:
        return NotFound(
            f"none of the catalog's {left_out} images is embedded by this encoder",
            mend="visionseek index embed",
        )
    return NotFound("the catalog holds no images", mend="visionseek catalog import FEED")


def _clear(root: Path) -> None:
    """Remove what an earlier build left behind when it was killed."""
    for leftover in [*root.glob(".building-*"), *root.glob(".removed-*")]:
        shutil.rmtree(leftover)
