"""Contrastive training from scratch: read pictures, set up model and optimiser, train, save."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.divergence import refuse_divergence
from training.embedding import Normaliser
from training.jina_clip import JinaCLIP, Preprocessor
from training.losses import multi_positive
from training.precision import mixed_precision
from training.pretrain.batches import batches
from training.pretrain.pictures import PictureSet
from training.pretrain.variation import vary
from training.saves import load_state, save_state
from training.schedule import cosine_with_warmup

LOG_FILE = "log.jsonl"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the outcome of a run, besides the pictures.

    Attributes:
        steps: optimiser steps.
        products_each: products in a batch.
        views: pictures of each product in a batch.
        learning_rate: at its peak.
        warmup: steps to the peak.
        weight_decay: on matrices only.
        temperature: of the contrastive loss.
        size: side in pixels of most of the training.
        final_size: side of the last part; the model's own image size.
        final_share: share of the steps at the final size.
        ema: decay of the averaged weights, which are what is saved.
        seed: of initial values, batches and variation.
    """

    steps: int = 3000
    products_each: int = 48
    views: int = 2
    learning_rate: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.05
    temperature: float = 0.07
    size: int = 112
    final_size: int = 224
    final_share: float = 0.1
    ema: float = 0.998
    seed: int = 0

    def size_at(self, step: int) -> int:
        """Small pictures first: a quarter of the work a step, and the tower takes any size."""
        return self.size if step < self.steps * (1 - self.final_share) else self.final_size


def pretrain(
    clip: JinaCLIP,
    processor: Preprocessor,
    pictures: PictureSet,
    recipe: Recipe,
    out: Path,
    *,
    save_every: int = 200,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> JinaCLIP:
    """Train the vision tower of `clip` on `pictures`; the text tower is left alone.

    Each step depends on the recipe, the pictures and the state before it only, so a run that was killed and
    started again ends as the run that was not. State and log lie in `out`; the returned model has the
    averaged weights.

    Raises:
        TrainingDiverged: with the step and the reason; the last good state stays in `out`.
        CheckpointError: `out` holds a run of another recipe.
        OSError: a save failed; the save before is untouched.
    """
    normaliser = Normaliser(processor.mean, processor.std)
    tower = clip.vision_model.train()
    average = copy.deepcopy(tower).eval()
    optimizer = torch.optim.AdamW(
        _groups(tower, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98)
    )
    pixels, labels = torch.from_numpy(pictures.pixels), torch.from_numpy(pictures.labels)

    described: dict[str, Any] = {
        **asdict(recipe),
        "pictures": len(pixels),
        "products": len(pictures.products),
    }
    start = 0
    if state := load_state(out, described):
        start = state["step"]
        tower.load_state_dict(state["tower"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])

    def save(step: int) -> None:
        save_state(
            out,
            {
                "recipe": described,
                "step": step,
                "tower": tower.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
            },
        )

    drawn = batches(
        pictures, products_each=recipe.products_each, views=recipe.views, seed=recipe.seed, start=start
    )
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOG_FILE).open("a") as log:
        for step in range(start, recipe.steps):
            began = time.perf_counter()
            generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # patch dropout draws from the global one
            rows = torch.from_numpy(next(drawn))
            looks = normaliser.unit(vary(pixels[rows], recipe.size_at(step), generator))
            for group in optimizer.param_groups:
                factor = cosine_with_warmup(step, steps=recipe.steps, warmup=recipe.warmup)
                group["lr"] = recipe.learning_rate * factor
            with mixed_precision():
                features: Tensor = tower(looks)
            embeddings = functional.normalize(features.float(), dim=-1)
            loss = multi_positive(embeddings, labels[rows], recipe.temperature)
            refuse_divergence(step, loss, embeddings)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
            optimizer.step()
            _average(average, tower, min(recipe.ema, (step + 1) / (step + 10)))
            on_step(step + 1, loss.item())
            line = {
                "step": step + 1,
                "loss": loss.item(),
                "images_per_s": len(rows) / (time.perf_counter() - began),
            }
            log.write(json.dumps(line) + "\n")
            if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
                save(step + 1)
                log.flush()
    clip.vision_model = average
    return clip


def _groups(tower: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    matrices = [p for p in tower.parameters() if p.ndim >= 2]
    others = [p for p in tower.parameters() if p.ndim < 2]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]


@torch.no_grad()
def _average(average: nn.Module, tower: nn.Module, decay: float) -> None:
    for slow, fast in zip(average.parameters(), tower.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
