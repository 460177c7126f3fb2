"""Which products go into which shard, decided before anything is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from training.dataset.product import TrainingProduct
from training.dataset.recipe import Recipe
from training.dataset.shard import ShardPlan, plan_key
from training.dataset.splits import SPLITS, group_products, split_groups
from visionseek.files import sha256_file

NEIGHBOURS = 48  # products that the screenshots of one shard draw their surroundings from


def catalog_digests(products: Sequence[TrainingProduct]) -> dict[str, list[object]]:
    """Labels and content hashes of pictures by product; a file that cannot be read counts by its name."""
    told: dict[str, list[object]] = {}
    for product in products:
        hashes = []
        for picture in product.pictures:
            try:
                hashes.append(sha256_file(picture.path))
            except OSError:
                hashes.append(f"unreadable {picture.name}")
        told[product.id] = [
            product.family,
            product.title,
            product.price,
            sorted(product.labels.items()),
            hashes,
        ]
    return told


def plan_shards(
    products: Sequence[TrainingProduct], digests: Mapping[str, list[Any]], recipe: Recipe, around: str
) -> list[ShardPlan]:
    """Split the products and cut each split into shards.

    Args:
        products: sorted by id.
        digests: as `catalog_digests` gives them.
        recipe: how samples will be made.
        around: what else decides bytes, such as libraries and fonts; goes into every shard's key.
    """
    groups = group_products(products, lambda product: digests[product.id][-1])
    decided = split_groups(groups, seed=recipe.seed, validation=recipe.validation, test=recipe.test)
    plans: list[ShardPlan] = []
    for split in SPLITS:
        members = [one for one in products if decided[one.id] == split]
        # Mixed, so that one shard is a fair handful of the catalog.
        members.sort(key=lambda one: hashlib.sha256(f"{recipe.seed}\0{one.id}".encode()).digest())
        start = 0
        for count, chunk in enumerate(_chunks(members, recipe)):
            near = [members[(start + len(chunk) + step) % len(members)] for step in range(NEIGHBOURS)]
            near = list({one.id: one for one in (*near, *chunk[:NEIGHBOURS])}.values())
            plan = ShardPlan(f"{split}-{count:05d}.tar", split, start, tuple(chunk), tuple(near), recipe, "")
            plans.append(replace(plan, key=plan_key(plan, around)))
            start += len(chunk)
    return plans


def _chunks(members: Sequence[TrainingProduct], recipe: Recipe) -> Iterator[list[TrainingProduct]]:
    chunk: list[TrainingProduct] = []
    size = 0
    for product in members:
        chunk.append(product)
        size += len(product.pictures[: recipe.views]) * (1 + recipe.variants) + recipe.screenshots
        if size >= recipe.shard_samples:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
