"""All that a run can show of each product: its pictures and its shots, under one numbering of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.pretrain.pictures import PictureSet, Source
from training.tune.shots import KINDS, Kind, Shots
from training.tune.views import is_plain, plain_rows

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stock:
    """Pictures first, then the shots kind by kind.

    Attributes:
        pictures: squares of the model's image size, with products, families and captions.
        arrays: the pixels, uint8 [n, S, S, 3] each: pictures, then each kind of shot.
        names: of the arrays: `picture`, then the kinds.
        array: int64 [N], which array row i is in.
        place: int64 [N], where in it.
        labels: int64 [N], the product of row i, numbered as in `pictures`.
        plain: bool [N], whether row i shows the product alone, or is a shot of a picture that does.
    """

    pictures: PictureSet
    arrays: tuple[npt.NDArray[np.uint8], ...]
    names: tuple[str, ...]
    array: Rows
    place: Rows
    labels: Rows
    plain: npt.NDArray[np.bool_]

    def take(self, rows: Rows) -> Tensor:
        """Pixels of rows, uint8 [B, S, S, 3]."""
        return torch.from_numpy(
            np.stack([self.arrays[self.array[row]][self.place[row]] for row in rows.tolist()])
        )

    def rows_of(self, name: str, *, plain_only: bool = False) -> dict[int, Rows]:
        """For each product that has some, its rows of the array `name`; only plain ones where asked."""
        if name not in self.names:
            return {}
        rows = np.flatnonzero(self.array == self.names.index(name))
        if plain_only:
            rows = rows[self.plain[rows]]
        return {int(product): rows[self.labels[rows] == product] for product in np.unique(self.labels[rows])}


def stock_of(
    pictures: PictureSet,
    shots: Shots | None = None,
    sources: Sequence[Source] = (),
    kinds: Sequence[Kind] = KINDS,
) -> Stock:
    """Put pictures and shots together; shots of products without a picture are left out.

    Args:
        pictures: of the products to learn from.
        shots: made of `sources`.
        sources: that the rows of `shots.source` number.
        kinds: of the shots to take.
    """
    numbers = {name: number for number, name in enumerate(pictures.products)}
    arrays: list[npt.NDArray[np.uint8]] = [pictures.pixels]
    names = ["picture"]
    array = [np.zeros(len(pictures.labels), np.int64)]
    place = [np.arange(len(pictures.labels))]
    labels = [pictures.labels]
    plain = [plain_rows(pictures)]
    if shots is not None:
        products = np.array([numbers.get(source.product, -1) for source in sources], dtype=np.int64)
        alone = np.array([not source.view or is_plain(source.view) for source in sources], dtype=bool)
        usable = np.flatnonzero(shots.made & (products[shots.source] >= 0))
        for kind in [kind for kind in shots.pixels if kind in kinds]:
            array.append(np.full(len(usable), len(arrays)))
            arrays.append(shots.pixels[kind])
            names.append(kind)
            place.append(usable)
            labels.append(products[shots.source[usable]])
            plain.append(alone[shots.source[usable]])
    return Stock(
        pictures,
        tuple(arrays),
        tuple(names),
        np.concatenate(array),
        np.concatenate(place),
        np.concatenate(labels),
        np.concatenate(plain),
    )
