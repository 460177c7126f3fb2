"""From catalog images to products: the best image of a product speaks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from visionseek.vocabulary import Candidate, Hit, Product


def group_by_product(
    candidates: Iterable[Candidate], products: Mapping[int, Product], k: int
) -> tuple[Hit, ...]:
    """The `k` best products, each with its best image; equal scores in the order of product id.

    Args:
        candidates: catalog images in any order.
        products: image id -> the product it belongs to, with its images. A candidate that is not in it was
            deleted since the generation was built and is dropped.
        k: how many products at most.
    """
    best: dict[str, Hit] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.image_id)):
        product = products.get(candidate.image_id)
        if product is None or product.id in best:
            continue
        image = next((i for i in product.images if i.id == candidate.image_id), None)
        if image is not None:
            best[product.id] = Hit(product, candidate.score, image)
    return tuple(sorted(best.values(), key=lambda hit: (-hit.score, hit.product.id))[:k])
