"""Which products meet in a batch, and what is shown of each: near twins and mined neighbours together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from training.pretrain.batches import draw_products
from training.tune.shots import Kind
from training.tune.stock import Rows, Stock
from visionseek.errors import InputError


class Batches:
    """Draws rows of a stock; the draw of a step depends on the seed, the step and the neighbours only.

    Args:
        stock: what there is.
        products_each: products in a batch.
        pictures_each: pictures of each.
        shots_each: shots of each.
        shares: of the shots, how many are of each kind; a product without a kind shows another.
        hard_share: share of a batch's products that are the nearest of its others, once `neighbours` is set.
        seed: of the draw.
        worn_share: of the pictures of a product that has both kinds, about so many are worn or in a scene; 0 draws
            all alike.
        plain_only: leave out worn pictures and pictures in a scene, and shots of them.

    Attributes:
        neighbours: int64 [P, n], the nearest other products of each, the nearest first; None until mined.

    Raises:
        InputError: fewer than two products have two things to show.
    """

    def __init__(
        self,
        stock: Stock,
        *,
        products_each: int,
        pictures_each: int,
        shots_each: int,
        shares: Mapping[Kind, float],
        hard_share: float,
        seed: int,
        worn_share: float = 0.0,
        plain_only: bool = False,
    ) -> None:
        self._worn_share, self._plain = worn_share, stock.plain
        self._pictures = stock.rows_of("picture", plain_only=plain_only)
        self._shots = {
            kind: stock.rows_of(kind, plain_only=plain_only) for kind, share in shares.items() if share > 0
        }
        self._shares = shares
        self._families = stock.pictures.families
        self._count, self._pictures_each, self._shots_each = products_each, pictures_each, shots_each
        self._hard_share, self._seed = hard_share, seed
        self._products = np.array([one for one in self._pictures if self._can_pair(one)], dtype=np.int64)
        if len(self._products) < 2:
            raise InputError(
                f"{len(self._products)} of {len(stock.pictures.products)} products have two pictures, or a picture and "
                "a screenshot; two products at least are needed",
                mend="give screenshots with --shots, or a catalog with several pictures a product",
            )
        self.neighbours: npt.NDArray[np.int64] | None = None

    def __call__(self, step: int) -> Rows:
        """Rows of step `step`, product by product: its pictures, then its shots."""
        rng = np.random.default_rng((self._seed, step))
        return np.concatenate([self._show(product, rng) for product in self.products(rng)])

    def products(self, rng: np.random.Generator) -> list[int]:
        """Draw the products of a batch."""
        if self.neighbours is None or self._hard_share == 0:
            return draw_products(self._products, self._families, self._count, rng)
        easy = max(1, round(self._count * (1 - self._hard_share)))
        chosen = draw_products(self._products, self._families, easy, rng)
        for near in self._nearest(chosen):
            if len(chosen) >= self._count:
                break
            if near not in chosen:
                chosen.append(near)
        return chosen

    def _nearest(self, chosen: list[int]) -> Iterator[int]:
        """The nearest of each chosen product, then the second nearest of each, and so on."""
        assert self.neighbours is not None
        allowed = {int(product) for product in self._products}
        first = list(chosen)
        for place in range(self.neighbours.shape[1]):
            for product in first:
                near = int(self.neighbours[product, place])
                if near in allowed:
                    yield near

    def _can_pair(self, product: int) -> bool:
        if self._pictures_each > 1 and len(self._pictures[product]) > 1:
            return True
        return self._shots_each > 0 and any(product in rows for rows in self._shots.values())

    def _show(self, product: int, rng: np.random.Generator) -> Rows:
        mine = self._pictures[product]
        few = len(mine) < self._pictures_each
        rows = [rng.choice(mine, self._pictures_each, replace=few, p=self._chances(mine))]
        kinds = [kind for kind, of in self._shots.items() if product in of]
        if not kinds:  # no shot of this one: further pictures in their place
            rows.append(rng.choice(mine, self._shots_each))
            return np.concatenate(rows)
        shares = np.array([self._shares[kind] for kind in kinds])
        drawn = rng.choice(len(kinds), self._shots_each, p=shares / shares.sum())
        rows += [rng.choice(self._shots[kinds[int(kind)]][product], 1) for kind in drawn]
        return np.concatenate(rows)

    def _chances(self, mine: Rows) -> npt.NDArray[np.float64] | None:
        """How likely each of these pictures is shown; None where all are alike."""
        plain = self._plain[mine]
        if self._worn_share == 0 or plain.all() or not plain.any():
            return None
        chances = np.full(len(mine), (1 - self._worn_share) / int(plain.sum()))
        chances[~plain] = self._worn_share / int((~plain).sum())
        return chances
