"""Which picture meets which screenshot: a pair a product, near twins in one batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from training.pretrain.batches import draw_products
from training.pretrain.pictures import PictureSet

Rows = npt.NDArray[np.int64]


def pairs(
    pictures: PictureSet, shots: PictureSet, *, products_each: int, seed: int, start: int = 0
) -> Iterator[tuple[Rows, Rows]]:
    """Endless (rows of `pictures`, rows of `shots`), one pair a product; pair i depends on `seed` and i only.

    Raises:
        InputError: fewer than two products have both.
    """
    products = np.intersect1d(pictures.labels, shots.labels)
    of_picture = {int(product): np.flatnonzero(pictures.labels == product) for product in products}
    of_shot = {int(product): np.flatnonzero(shots.labels == product) for product in products}
    step = start
    while True:
        rng = np.random.default_rng((seed, step))
        chosen = draw_products(products, pictures.families, products_each, rng)
        yield (
            np.array([rng.choice(of_picture[product]) for product in chosen], dtype=np.int64),
            np.array([rng.choice(of_shot[product]) for product in chosen], dtype=np.int64),
        )
        step += 1
