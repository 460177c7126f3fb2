"""What a step minimises: a weighted sum of losses, each of which a weight of 0 turns off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from training.losses import SubCentreArcFace, cross_batch, image_text, keep, multi_positive
from training.tune.captions import Captions
from training.tune.memory import Memory
from training.tune.recipe import TuneRecipe
from training.tune.stock import Rows, Stock


class Objective:
    """The losses of a run, with what they remember between steps.

    Args:
        recipe: weights and constants.
        stock: what rows show.
        captions: embedded; None leaves the loss against text out.
        before: float32 [pictures, D], embeddings of the pictures before the tuning; only ArcFace, for its first
            centres, and `keep` ask for it.
        dimension: D.
        device: where it is computed.

    Attributes:
        centres: parameters that learn along with the adapter; None without ArcFace.
    """

    def __init__(
        self,
        recipe: TuneRecipe,
        stock: Stock,
        captions: Captions | None,
        before: npt.NDArray[np.float32] | None,
        dimension: int,
        device: str = "cpu",
    ) -> None:
        self._recipe, self._stock, self._captions = recipe, stock, captions
        self._before = None if before is None else torch.from_numpy(before)
        self._memory = Memory(recipe.memory_size, dimension) if recipe.memory_weight > 0 else None
        self._arcface: SubCentreArcFace | None = None
        if recipe.arcface_weight > 0:
            assert before is not None
            self._arcface = SubCentreArcFace(
                _first_centres(before, stock.pictures.labels, recipe.arcface_centres),
                margin=recipe.arcface_margin,
                scale=recipe.arcface_scale,
            ).to(device)

    @property
    def centres(self) -> nn.Parameter | None:
        """Class centres of ArcFace [P, K, D]."""
        return None if self._arcface is None else self._arcface.centres

    def terms(self, step: int, embeddings: Tensor, rows: Rows) -> dict[str, Tensor]:
        """Each loss that counts in step `step`, before its weight.

        Args:
            step: counted from 0.
            embeddings: [B, D] of unit length.
            rows: [B] of the stock.
        """
        recipe, device = self._recipe, embeddings.device
        labels = torch.from_numpy(self._stock.labels[rows]).to(device)
        found: dict[str, Tensor] = {}
        if recipe.contrast_weight > 0:
            found["contrast"] = multi_positive(embeddings, labels, recipe.temperature)
        if self._arcface is not None:
            found["arcface"] = self._arcface(embeddings, labels)
        if self._captions is not None and recipe.text_weight > 0:
            generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            captions = self._captions.draw(labels.cpu(), generator).to(device)
            told = captions >= 0
            if bool(told.any()):
                texts = self._captions.embeddings.to(device)[captions[told]]
                # Twins that differ in the picture alone share a caption, so captions are the labels here.
                found["text"] = image_text(embeddings[told], texts, captions[told], recipe.text_temperature)
        if self._memory is not None:
            if step >= recipe.memory_after:
                memory, known = (tensor.to(device) for tensor in self._memory.filled())
                # A step whose products are not in the memory has no such loss; 0 would be a spike in its curve.
                if not found or bool(torch.isin(labels, known).any()):
                    found["memory"] = cross_batch(embeddings, labels, memory, known, recipe.temperature)
            self._memory.add(embeddings, labels)
        if recipe.keep_weight > 0:
            places = self._stock.place[rows]
            kept = np.flatnonzero((self._stock.array[rows] == 0) & self._stock.plain[rows])
            if len(kept):
                assert self._before is not None
                found["keep"] = keep(embeddings[kept], self._before[places[kept]].to(device))
        return found

    def weigh(self, terms: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum."""
        recipe = self._recipe
        weights = loss_weights(recipe)
        return torch.stack([weights[name] * loss for name, loss in terms.items()]).sum()

    def state(self) -> dict[str, Any]:
        """Everything that it remembers, for a saved run."""
        return {
            "centres": None if self.centres is None else self.centres.detach().cpu().clone(),
            "memory": None if self._memory is None else self._memory.state(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        if self.centres is not None:
            with torch.no_grad():
                self.centres.copy_(state["centres"])
        if self._memory is not None:
            self._memory.load(state["memory"])


def loss_weights(recipe: TuneRecipe) -> dict[str, float]:
    """The weight of each loss by its name in the log."""
    return {
        "contrast": recipe.contrast_weight,
        "arcface": recipe.arcface_weight,
        "text": recipe.text_weight,
        "memory": recipe.memory_weight,
        "keep": recipe.keep_weight,
    }


def _first_centres(before: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], centres: int) -> Tensor:
    """[P, K, D]: a product's first K pictures, the mean in place of those that it lacks."""
    products = int(labels.max()) + 1
    start = np.empty((products, centres, before.shape[1]), np.float32)
    for product in range(products):
        mine = before[labels == product]
        start[product] = mine.mean(0)
        start[product, : len(mine)] = mine[:centres]
    return torch.from_numpy(start)
