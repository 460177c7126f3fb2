"""Parts of a set of pictures: those of some products, those that show the product alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from training.pretrain.pictures import PictureSet

_PLAIN = frozenset({"studio", "main"})


def is_plain(view: str) -> bool:
    """Whether a view, as a feed names it, is of the product alone."""
    return view in _PLAIN


def plain_rows(pictures: PictureSet) -> npt.NDArray[np.bool_]:
    """Which pictures show the product alone, bool [N]; where a feed does not say, the first of each product."""
    first = np.zeros(len(pictures.labels), bool)
    first[np.unique(pictures.labels, return_index=True)[1]] = True
    views = pictures.views or ("",) * len(first)
    return np.array([is_plain(view) if view else bool(main) for view, main in zip(views, first, strict=True)])


def of_products(pictures: PictureSet, products: Collection[str]) -> tuple[PictureSet, npt.NDArray[np.int64]]:
    """The pictures of some products, numbered anew from 0, and their rows in `pictures`."""
    kept = [number for number, name in enumerate(pictures.products) if name in products]
    anew = np.full(len(pictures.products), -1)
    anew[kept] = np.arange(len(kept))
    rows = np.flatnonzero(anew[pictures.labels] >= 0)
    names = tuple(pictures.products[number] for number in kept)
    part = replace(
        pictures,
        pixels=pictures.pixels[rows],
        labels=anew[pictures.labels[rows]],
        families=pictures.families[kept],
        products=names,
        captions=tuple(pictures.captions[number] for number in kept),
        phrases=tuple(pictures.phrases[number] for number in kept) if pictures.phrases else (),
        views=tuple(pictures.views[row] for row in rows.tolist()) if pictures.views else (),
        members=names,
        skipped=(),
    )
    return part, rows
