"""LoRA tuning: attach adapters to the vision tower, pull screenshots to their pictures, save the adapter."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.adapters import ADAPTER_FILE, AdapterManifest, attach, checkpoint_sha256
from training.divergence import refuse_divergence
from training.embedding import Normaliser
from training.jina_clip import JinaCLIP, Preprocessor
from training.losses import multi_positive
from training.precision import mixed_precision
from training.pretrain.pictures import PictureSet
from training.pretrain.variation import vary
from training.saves import load_state, save_state
from training.schedule import cosine_with_warmup
from training.tune.pairs import pairs
from visionseek.files import sha256_file
from visionseek.manifests import write_manifest
from visionseek.pixels import PIXEL_VERSION, Rule

LOG_FILE = "log.jsonl"


@dataclass(frozen=True, slots=True)
class TuneRecipe:
    """Everything that decides the outcome of a run, besides checkpoint and pictures.

    Attributes:
        steps: optimiser steps.
        products_each: products in a batch; each gives a picture and a screenshot.
        learning_rate: at its peak.
        warmup: steps to the peak.
        temperature: of the contrastive loss.
        rank: of the LoRA update.
        alpha: the update is scaled by alpha / rank.
        dora: weight-decomposed LoRA.
        variation: strength of the augmentation, 0 to 1.
        seed: of initial values, batches and variation.
    """

    steps: int = 300
    products_each: int = 24
    learning_rate: float = 5e-4
    warmup: int = 20
    temperature: float = 0.07
    rank: int = 16
    alpha: int = 16
    dora: bool = False
    variation: float = 0.5
    seed: int = 0


def tune(  # noqa: PLR0915 -- one run, read from top to bottom
    checkpoint: Path,
    pictures: PictureSet,
    shots: PictureSet,
    recipe: TuneRecipe,
    out: Path,
    *,
    pixel_rule: Rule,
    save_every: int = 50,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
) -> AdapterManifest:
    """Tune LoRA adapters on the vision tower of `checkpoint`; everything else stays frozen.

    Args:
        checkpoint: a folder in the published format.
        pictures: product pictures, squares of the model's image size.
        shots: squares cut out of simulated screenshots; products are numbered as in `pictures`.
        recipe: the run; a folder that holds a run of the same recipe is resumed.
        out: gets the adapter in PEFT's own format, `manifest.json`, the log and the state.
        pixel_rule: how the pictures became squares; written into the manifest.
        save_every: steps between saves of the state.
        on_step: called after each step with its number from 1 and its loss.

    Raises:
        CheckpointError: checkpoint missing or damaged, or `out` holds a run of another recipe.
        TrainingDiverged: with the step and the reason; the last good state stays in `out`.
        OSError: a save failed; the save before is untouched.
    """
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32)
    processor = Preprocessor.from_pretrained(checkpoint)
    normaliser = Normaliser(processor.mean, processor.std)
    torch.manual_seed(recipe.seed)
    tower = attach(clip.vision_model, rank=recipe.rank, alpha=recipe.alpha, use_dora=recipe.dora).train()
    trainable = {name: p for name, p in tower.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(trainable.values(), lr=recipe.learning_rate, weight_decay=0.0)
    picture_pixels, shot_pixels = torch.from_numpy(pictures.pixels), torch.from_numpy(shots.pixels)
    picture_labels, shot_labels = torch.from_numpy(pictures.labels), torch.from_numpy(shots.labels)

    base_sha256 = checkpoint_sha256(checkpoint)
    described: dict[str, Any] = {
        **asdict(recipe),
        "base_sha256": base_sha256,
        "pictures": len(picture_pixels),
        "shots": len(shot_pixels),
    }
    start = 0
    if state := load_state(out, described):
        start = state["step"]
        with torch.no_grad():
            for name, parameter in trainable.items():
                parameter.copy_(state["adapter"][name])
        optimizer.load_state_dict(state["optimizer"])

    def save(step: int) -> None:
        adapter = {name: parameter.detach().clone() for name, parameter in trainable.items()}
        optimiser = optimizer.state_dict()
        save_state(out, {"recipe": described, "step": step, "adapter": adapter, "optimizer": optimiser})

    drawn = pairs(pictures, shots, products_each=recipe.products_each, seed=recipe.seed, start=start)
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOG_FILE).open("a") as log:
        for step in range(start, recipe.steps):
            began = time.perf_counter()
            generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # patch dropout draws from the global one
            picture_rows, shot_rows = (torch.from_numpy(rows) for rows in next(drawn))
            pixels = torch.cat([picture_pixels[picture_rows], shot_pixels[shot_rows]])
            labels = torch.cat([picture_labels[picture_rows], shot_labels[shot_rows]])
            looks = vary(pixels, pixels.shape[1], generator, strength=recipe.variation)
            for group in optimizer.param_groups:
                factor = cosine_with_warmup(step, steps=recipe.steps, warmup=recipe.warmup)
                group["lr"] = recipe.learning_rate * factor
            with mixed_precision():
                features = tower(normaliser.unit(looks))
            embeddings = functional.normalize(features.float(), dim=-1)
            loss = multi_positive(embeddings, labels, recipe.temperature)
            refuse_divergence(step, loss, embeddings)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(trainable.values(), 1.0)
            optimizer.step()
            on_step(step + 1, loss.item())
            rate = len(labels) / (time.perf_counter() - began)
            log.write(json.dumps({"step": step + 1, "loss": loss.item(), "images_per_s": rate}) + "\n")
            if (step + 1) % save_every == 0 or step + 1 == recipe.steps:
                save(step + 1)
                log.flush()

    stage = out / ".adapter"
    shutil.rmtree(stage, ignore_errors=True)
    tower.save_pretrained(str(stage))
    for path in stage.iterdir():
        path.replace(out / path.name)
    stage.rmdir()
    manifest = AdapterManifest(
        base=checkpoint.name,
        base_sha256=base_sha256,
        adapter_sha256=sha256_file(out / ADAPTER_FILE),
        rank=recipe.rank,
        alpha=recipe.alpha,
        seed=recipe.seed,
        steps=recipe.steps,
        products=len(np.unique(pictures.labels)),
        pixel_rule=pixel_rule,
        pixel_version=PIXEL_VERSION,
    )
    write_manifest(manifest, out)
    return manifest
