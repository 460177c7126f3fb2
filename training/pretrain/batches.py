"""Which products meet in a batch: near twins together, since only they teach fine differences."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from training.pretrain.pictures import PictureSet
from visionseek.errors import InputError

# So many of one family at most, or a batch would hold little else.
_FAMILY_SHARE = 8
# A product with so many pictures is drawn as often as one with few.
_PICTURES_A_DRAW = 8


def draw_products(
    products: npt.NDArray[np.int64], families: npt.NDArray[np.int64], count: int, rng: np.random.Generator
) -> list[int]:
    """Draw `count` products (all, where fewer), family by family.

    Args:
        products: numbers to draw from, each as often as it stands there.
        families: the family of product i at position i.
        count: how many.
        rng: decides.

    Raises:
        InputError: fewer than two products.
    """
    if len(np.unique(products)) < 2:
        raise InputError(f"contrastive training needs two products at least, got {len(np.unique(products))}")
    shuffled = rng.permutation(products)
    order = {
        int(family): place for place, family in enumerate(rng.permutation(np.unique(families[shuffled])))
    }
    grouped = sorted(
        (int(product) for product in shuffled), key=lambda product: order[int(families[product])]
    )
    chosen: list[int] = []
    rest: list[int] = []
    taken: dict[int, int] = {}
    for product in grouped:
        family = int(families[product])
        taken[family] = taken.get(family, 0) + 1
        (chosen if taken[family] <= _FAMILY_SHARE else rest).append(product)
    return [*chosen, *rest][:count]


def batches(
    pictures: PictureSet, *, products_each: int, views: int, seed: int, start: int = 0
) -> Iterator[npt.NDArray[np.int64]]:
    """Endless picture indices [products_each * views]; batch i depends on `seed` and i only.

    A product with fewer pictures than `views` repeats some; variation makes them differ. One with many, such as
    a style class of photographs, is drawn more often, and may be in a batch several times.

    Args:
        pictures: what to draw from.
        products_each: products in a batch.
        views: pictures of each.
        seed: of the draw.
        start: the first batch to give, so that a resumed run goes on where it stopped.

    Raises:
        InputError: fewer than two products.
    """
    of_product = [np.flatnonzero(pictures.labels == number) for number in range(len(pictures.products))]
    draws = [max(1, len(rows) // _PICTURES_A_DRAW) for rows in of_product]
    products = np.repeat(np.arange(len(of_product)), draws)
    step = start
    while True:
        rng = np.random.default_rng((seed, step))
        rows = [
            rng.choice(of_product[product], size=views, replace=len(of_product[product]) < views)
            for product in draw_products(products, pictures.families, products_each, rng)
        ]
        yield np.concatenate(rows)
        step += 1
