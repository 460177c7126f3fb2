"""The captions of a run as tokens: which words meet which picture at a step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.jina_clip.tokenizing import Tokenizer
from training.pretrain.pictures import PictureSet

_ENDLESS = 100_000


@dataclass(frozen=True, slots=True)
class Wording:
    """Captions of all products, coded once.

    Attributes:
        ids: int64 [M, T], every different caption.
        mask: int64 [M, T].
        of_product: for each product the rows of its captions; empty where nothing is said of it.
        cut: captions that were longer than the context, and lost their end.
    """

    ids: npt.NDArray[np.int64]
    mask: npt.NDArray[np.int64]
    of_product: tuple[npt.NDArray[np.int64], ...]
    cut: int

    def draw(
        self, products: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Draw a caption for every picture that has one.

        Args:
            products: [N], the product of each picture.
            rng: decides.

        Returns:
            (places in `products` [K], rows of `ids` [K]).
        """
        spoken = np.flatnonzero([len(self.of_product[product]) > 0 for product in products])
        rows = [rng.choice(self.of_product[products[place]]) for place in spoken]
        return spoken, np.array(rows, dtype=np.int64)


def wording(pictures: PictureSet, tokenizer: Tokenizer, *, max_tokens: int) -> Wording | None:
    """Code the captions of `pictures`; None where nothing is said of any product.

    Args:
        pictures: with `phrases`.
        tokenizer: of the checkpoint.
        max_tokens: the context; longer captions are cut.
    """
    captions = list(dict.fromkeys(phrase for phrases in pictures.phrases for phrase in phrases))
    if not captions:
        return None
    number = {caption: row for row, caption in enumerate(captions)}
    ids, mask = tokenizer.encode(captions, max_tokens=max_tokens)
    lengths = tokenizer.encode(captions, max_tokens=_ENDLESS)[1].sum(1)
    return Wording(
        ids=ids,
        mask=mask,
        of_product=tuple(
            np.array([number[phrase] for phrase in phrases], dtype=np.int64) for phrases in pictures.phrases
        ),
        cut=int((lengths > max_tokens).sum()),
    )
