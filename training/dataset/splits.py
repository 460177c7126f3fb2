"""Which product is trained on, validated on, tested on: never one product or near-twin on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from training.dataset.product import TrainingProduct

SPLITS = ("train", "validation", "test")


def group_products(
    products: Sequence[TrainingProduct], fingerprint: Callable[[TrainingProduct], Sequence[str]]
) -> list[list[TrainingProduct]]:
    """Products that must stay together: one family, or one and the same picture under two ids.

    Args:
        products: to be grouped.
        fingerprint: content hashes of a product's pictures.

    Returns:
        Groups, each sorted by id; sorted by their first id.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for product in products:
        own = f"product {product.id}"
        for tie in (f"family {product.family}", *(f"picture {digest}" for digest in fingerprint(product))):
            parent[root(tie)] = root(own)
    groups: dict[str, list[TrainingProduct]] = {}
    for product in sorted(products, key=lambda one: one.id):
        groups.setdefault(root(f"product {product.id}"), []).append(product)
    return sorted(groups.values(), key=lambda group: group[0].id)


def split_groups(
    groups: Sequence[Sequence[TrainingProduct]], *, seed: int, validation: float, test: float
) -> dict[str, str]:
    """Product id -> split.

    Whole groups are dealt in an order drawn by the seed, kind of jewel by kind, each to the split that is
    furthest behind its share; so every split has every kind, as nearly as groups allow.

    Args:
        groups: as `group_products` gives them.
        seed: of the order.
        validation: share of the products, 0 to below 1.
        test: the same.
    """
    shares = {"train": 1.0 - validation - test, "validation": validation, "test": test}
    kinds: dict[str, list[Sequence[TrainingProduct]]] = {}
    for group in groups:
        kinds.setdefault(group[0].labels.get("category", ""), []).append(group)
    decided: dict[str, str] = {}
    for kind in sorted(kinds):
        drawn = sorted(kinds[kind], key=lambda group: _draw(seed, group[0].id))
        counts = dict.fromkeys(SPLITS, 0)
        # The large ones first, while there is room for them.
        for group in sorted(drawn, key=len, reverse=True):
            total = sum(counts.values()) + len(group)
            name = max(SPLITS, key=lambda split: (shares[split] * total - counts[split], split == "train"))
            counts[name] += len(group)
            decided.update({product.id: name for product in group})
    return decided


def _draw(seed: int, name: str) -> str:
    return hashlib.sha256(f"{seed}\0{name}".encode()).hexdigest()
