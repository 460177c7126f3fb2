"""What a step of training from scratch minimises: contrast between pictures, and between pictures and captions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from training.distributed import Crew
from training.jina_clip import JinaCLIP
from training.losses import image_text, multi_positive
from training.precision import mixed_precision
from training.pretrain.recipe import Recipe
from training.pretrain.wording import Wording

# exp(logit_scale) at most, as CLIP has it (Radford et al. 2021, section 2.5)
_LARGEST_SCALE = 100.0


@dataclass(frozen=True, slots=True)
class Said:
    """The captions of a batch.

    Attributes:
        places: int64 [K], the rows of the batch that they belong to.
        ids: int64 [K, T].
        mask: int64 [K, T].
        captions: int64 [K], equal for equal captions.
    """

    places: Tensor
    ids: Tensor
    mask: Tensor
    captions: Tensor


def say(words: Wording, products: Tensor, seed: int, device: torch.device) -> Said | None:
    """Draw a caption for each picture of `products` [N] that has one; None where fewer than two have."""
    places, rows = words.draw(products.numpy(), np.random.default_rng(seed))
    if len(places) < 2:
        return None
    mask = words.mask[rows]
    longest = int(mask.sum(1).max())
    parts = (places, words.ids[rows, :longest], mask[:, :longest], rows)
    return Said(*(torch.from_numpy(part).to(device) for part in parts))


class Objective:
    """The loss of one batch.

    Args:
        clip: whose text tower reads the captions.
        recipe: weights and temperatures.
        crew: the processes; pictures are contrasted across all of them.
        products: [n], the product of each of this process's pictures.
        said: this process's captions.
    """

    def __init__(
        self, clip: JinaCLIP, recipe: Recipe, crew: Crew, products: Tensor, said: Said | None
    ) -> None:
        self._clip, self._recipe, self._crew, self._said = clip, recipe, crew, said
        self.products = crew.gather(products.to(crew.device))
        self.figures: dict[str, float] = {}

    def __call__(self, embeddings: Tensor) -> Tensor:
        """Unit embeddings [n, D] -> scalar; leaves each part in `figures`."""
        loss = multi_positive(self._crew.gather(embeddings), self.products, self._recipe.temperature)
        self.figures["loss_pictures"] = loss.item()
        if self._said is not None:
            with mixed_precision(self._crew.device):
                features: Tensor = self._clip.text_model(self._said.ids, self._said.mask)
            texts = functional.normalize(features.float(), dim=-1)
            temperature = 1 / self._clip.logit_scale.exp().clamp(max=_LARGEST_SCALE)
            spoken = image_text(embeddings[self._said.places], texts, self._said.captions, temperature)
            self.figures["loss_captions"] = spoken.item()
            loss = loss + self._recipe.text_weight * spoken
        return loss
