"""Contrastive training from scratch: set up model, optimiser and data, train, save."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.distributed import Crew
from training.divergence import refuse_divergence, refuse_gradient
from training.embedding import Normaliser
from training.jina_clip import JinaCLIP, Preprocessor
from training.optimizer import Optimizer
from training.patches import busy_patches
from training.precision import mixed_precision
from training.pretrain.batches import batches
from training.pretrain.objective import Objective, say
from training.pretrain.pictures import PictureSet
from training.pretrain.pieces import backward_in_pieces
from training.pretrain.recipe import Recipe
from training.pretrain.variation import vary
from training.pretrain.wording import Wording
from training.saves import load_state, save_state
from training.schedule import cosine_with_warmup
from training.watching import RunLog, contact_sheet, plot_log

SAMPLES_FILE = "samples.png"


def pretrain(  # noqa: PLR0915 -- one run, read from top to bottom
    clip: JinaCLIP,
    processor: Preprocessor,
    pictures: PictureSet,
    recipe: Recipe,
    out: Path,
    *,
    words: Wording | None = None,
    crew: Crew | None = None,
    save_every: int = 200,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> JinaCLIP:
    """Train `clip` on `pictures`, its text tower too where it may learn and there are `words`.

    Each step depends on the recipe, the pictures and the state before it only, so a run that was killed and
    started again ends as the run that was not. State, log, curves and samples lie in `out`; the returned model
    has the averaged weights.

    Args:
        clip: from `JinaCLIP.from_config(..., train_text=True)` to train both towers; changed in place.
        processor: with the mean and standard deviation of the pixels.
        pictures: squares of the model's image size.
        recipe: the run; a folder that holds a run of the same recipe is resumed.
        out: the run's folder.
        words: captions of the products of `pictures`.
        crew: the processes that share the work.
        save_every: steps between saves.
        on_step: called after each step with its number from 1 and its loss.

    Raises:
        TrainingDiverged: with the step and the reason; the last good state stays in `out`.
        CheckpointError: `out` holds a run of another recipe.
        OSError: a save failed; the save before is untouched.
    """
    crew = crew or Crew()
    normaliser = Normaliser(processor.mean, processor.std)
    clip.to(crew.device).train()
    average = copy.deepcopy(clip).eval()
    learning = {name: p for name, p in clip.named_parameters() if p.requires_grad}
    if words is None or recipe.text_weight == 0:
        learning = {name: p for name, p in learning.items() if name.startswith("vision_model.")}
    optimizer = Optimizer(
        learning, recipe.optimizer, learning_rate=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    pixels, labels = torch.from_numpy(pictures.pixels), torch.from_numpy(pictures.labels)

    described: dict[str, Any] = {
        **asdict(recipe),
        "pictures": len(pixels),
        "products": len(pictures.products),
        "processes": crew.size,
    }
    start = 0
    if state := load_state(out, described):
        start = state["step"]
        clip.load_state_dict(state["clip"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])

    drawn = batches(
        pictures, products_each=recipe.products_each, views=recipe.views, seed=recipe.seed, start=start
    )
    patch = clip.config.vision_config.patch_size
    log = RunLog(out, start=start) if crew.leads else None
    try:
        for step in range(start, recipe.steps):
            began = time.perf_counter()
            seed = (recipe.seed * 1_000_003 + step) * 1009 + crew.rank
            generator = torch.Generator().manual_seed(seed)
            rows = crew.share(torch.from_numpy(next(drawn)))
            size = recipe.size_at(step, patch)
            patches = recipe.patches_at(step, size, patch)
            looks = vary(pixels[rows], size, generator, strength=recipe.variation)
            if step == 0 and crew.leads:
                names = [pictures.products[int(label)] for label in labels[rows]]
                contact_sheet(looks, out / SAMPLES_FILE, labels=names)
            optimizer.zero_grad()
            said = say(words, labels[rows], seed, crew.device) if words and recipe.text_weight else None
            objective = Objective(clip, recipe, crew, labels[rows], said)

            def encode(part: Tensor, patches: int = patches) -> Tensor:
                looked_at = busy_patches(part, patch, patches)
                with mixed_precision(crew.device):
                    features: Tensor = clip.vision_model(normaliser.unit(part).to(crew.device), looked_at)
                return functional.normalize(features.float(), dim=-1)

            loss, embeddings = backward_in_pieces(encode, looks, objective, pieces=recipe.pieces, seed=seed)
            refuse_divergence(step, loss, embeddings, products=len(set(objective.products.tolist())))
            crew.average(learning.values())
            norm = float(nn.utils.clip_grad_norm_(learning.values(), 1.0))
            refuse_gradient(step, norm)
            optimizer.step(cosine_with_warmup(step, steps=recipe.steps, warmup=recipe.warmup))
            _average(average, clip, min(recipe.ema, (step + 1) / (step + 10)))
            on_step(step + 1, loss.item())
            if log is not None:
                rate = len(objective.products) / (time.perf_counter() - began)
                figures = {
                    "loss": loss.item(),
                    **objective.figures,
                    "gradient_norm": norm,
                    "size": size,
                    "patches": patches,
                }
                log.write(step + 1, {**figures, "images_per_s": rate})
            if log is not None and ((step + 1) % save_every == 0 or step + 1 == recipe.steps):
                state = {"clip": clip.state_dict(), "average": average.state_dict()}
                state |= {"recipe": described, "step": step + 1, "optimizer": optimizer.state_dict()}
                save_state(out, state)
                log.flush()
                plot_log(out)
    finally:
        if log is not None:
            log.close()
    crew.wait()
    return average


@torch.no_grad()
def _average(average: nn.Module, model: nn.Module, decay: float) -> None:
    for slow, fast in zip(average.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)
