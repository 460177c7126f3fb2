"""LoRA tuning: attach adapters to the vision tower, pull what shows a product together, save the adapter."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from torch import nn
from torch.nn import functional

from training.adapters import ADAPTER_FILE, AdapterManifest, attach, checkpoint_sha256
from training.divergence import LossJump, mean_length, refuse_divergence, refuse_gradient
from training.embedding import Normaliser, embed
from training.jina_clip import JinaCLIP, Preprocessor
from training.optimizer import Optimizer
from training.patches import busy_patches
from training.precision import mixed_precision
from training.pretrain.pictures import PictureSet
from training.pretrain.variation import vary
from training.saves import load_state, save_state
from training.schedule import cosine_with_warmup
from training.trained_on import TrainedOn, require_apart, write_trained_on
from training.tune.batches import Batches
from training.tune.captions import Captions, embed_captions
from training.tune.checkpointing import checkpoint_blocks
from training.tune.mining import nearest_products
from training.tune.objective import Objective, loss_weights
from training.tune.recipe import TuneRecipe
from training.tune.stock import Stock
from training.watching import RunLog, contact_sheet, plot_log, read_log
from visionseek.files import sha256_file
from visionseek.manifests import write_manifest
from visionseek.pixels import PIXEL_VERSION, Rule

SHEET_FILE = "batch.png"
_PLOT_SECONDS = 60
# Wordings of each caption that are embedded beside it: each costs a pass through the text tower.
_PHRASES = 4


def tune(  # noqa: PLR0915 -- one run, read from top to bottom
    checkpoint: Path,
    stock: Stock,
    recipe: TuneRecipe,
    out: Path,
    *,
    pixel_rule: Rule,
    families: Collection[str] = (),
    never: TrainedOn | None = None,
    neighbours: npt.NDArray[np.int64] | None = None,
    known: Known | None = None,
    device: str = "cpu",
    measure: Callable[[int, nn.Module], Mapping[str, float]] | None = None,
    measure_every: int = 0,
    save_every: int = 50,
    on_step: Callable[[int, float], None] = lambda _step, _loss: None,
    say: Callable[[str], None] = lambda _line: None,
) -> AdapterManifest:
    """Tune LoRA adapters on the vision tower of `checkpoint`; everything else stays frozen.

    Each step depends on the recipe, the stock and the state before it only, so a run that was killed and
    started again ends as the run that was not.

    Args:
        checkpoint: a folder in the published format.
        stock: pictures and shots of the products to learn from.
        recipe: the run; a folder that holds a run of the same recipe is resumed.
        out: gets the adapter in PEFT's own format, `manifest.json`, the log, its curves and the state.
        pixel_rule: how the pictures became squares; written into the manifest.
        families: names of the near-twin families among the products; written into the manifest.
        never: what is evaluated; a product or family of it in the stock is refused.
        neighbours: int64 [P, n], nearest other products to begin with, such as an index found them.
        known: what `look` found in the same stock; None: looked up here.
        device: where it is computed.
        measure: figures of the tower after so many steps, for the log, such as recall on held-out queries.
        measure_every: steps between measurements; 0: never.
        save_every: steps between saves of the state.
        on_step: called after each step with its number from 1 and its loss.
        say: gets lines for a person to read.

    Raises:
        CheckpointError: checkpoint missing or damaged, or `out` holds a run of another recipe.
        InputError: too few products, or one of them is evaluated.
        TrainingDiverged: with the step and the reason; the last good state stays in `out`.
        OSError: a save failed; the save before is untouched.
    """
    products = stock.pictures.products
    if never is not None:
        seen = TrainedOn(frozenset(products), frozenset(families))
        require_apart(seen, never.products, never.families, who="this training", suite="the evaluation")
    batches = Batches(
        stock,
        products_each=recipe.products_each,
        pictures_each=recipe.pictures_each,
        shots_each=recipe.shots_each,
        shares=recipe.shot_shares,
        hard_share=recipe.hard_share,
        seed=recipe.seed,
        worn_share=recipe.worn_share,
        plain_only=recipe.plain_only,
    )
    base_sha256 = checkpoint_sha256(checkpoint)
    described: dict[str, Any] = {
        **asdict(recipe),
        "base_sha256": base_sha256,
        "pictures": len(stock.pictures.pixels),
        "rows": len(stock.labels),
        "products": hashlib.sha256("\n".join(products).encode()).hexdigest(),
    }
    state = load_state(out, described)

    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32).to(device)
    processor = Preprocessor.from_pretrained(checkpoint)
    normaliser = Normaliser(processor.mean, processor.std)
    known = known or look(clip, checkpoint, stock, recipe, say=say)
    vision, dimension = clip.vision_model, clip.config.dimension
    del clip  # the text tower is not needed any more, and is the larger half

    if recipe.checkpointing:
        checkpoint_blocks(vision)
    torch.manual_seed(recipe.seed)
    tower = attach(
        vision,
        rank=recipe.rank,
        alpha=recipe.scaled_alpha,
        use_dora=recipe.dora,
        targets=recipe.targets,
    ).train()
    tower.to(device)
    trainable = {name: p for name, p in tower.named_parameters() if p.requires_grad}
    objective = Objective(recipe, stock, known.captions, known.before, dimension, device)
    optimizer = Optimizer(
        trainable,
        recipe.optimizer,
        learning_rate=recipe.learning_rate,
        weight_decay=0.0,
        betas=(0.9, 0.999),  # an adapter's gradients change slowly: AdamW's own
        faster=[] if objective.centres is None else [objective.centres],
        faster_rate=recipe.arcface_rate,
    )

    start = 0
    batches.neighbours = neighbours
    if state:
        start = state["step"]
        with torch.no_grad():
            for name, parameter in trainable.items():
                parameter.copy_(state["adapter"][name])
        optimizer.load_state_dict(state["optimizer"])
        objective.load(state["objective"])
        batches.neighbours = None if state["neighbours"] is None else state["neighbours"].numpy()

    def save(step: int) -> None:
        near = batches.neighbours
        save_state(
            out,
            {
                "recipe": described,
                "step": step,
                "adapter": {name: parameter.detach().clone() for name, parameter in trainable.items()},
                "optimizer": optimizer.state_dict(),
                "objective": objective.state(),
                "neighbours": None if near is None else torch.from_numpy(near),
            },
        )

    patch = vision.config.patch_size
    plotted = time.monotonic()
    with RunLog(out, start=start) as log:
        jump = LossJump(line["loss"] for line in read_log(out) if "loss" in line)
        if measure and start == 0:
            log.write(0, measure(0, tower))
        for step in range(start, recipe.steps):
            began = time.perf_counter()
            if (
                recipe.mine_every
                and step % recipe.mine_every == 0
                and not (step == 0 and neighbours is not None)
            ):
                # At first the tower is what it was when its pictures were looked up.
                near = known.before if step == 0 and known.before is not None else None
                near = embed(tower, stock.pictures.pixels, normaliser) if near is None else near
                batches.neighbours = nearest_products(near, stock.pictures.labels, len(products))
            generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
            torch.manual_seed(recipe.seed * 1_000_003 + step)  # patches are drawn by the global one
            rows = batches(step)
            size = recipe.size_at(step, processor.size, patch)
            patches = recipe.patches_at(step, size, patch)
            looks = vary(stock.take(rows), size, generator, strength=recipe.variation)
            if step == start:
                names = [f"{stock.names[stock.array[row]]} {products[stock.labels[row]]}" for row in rows]
                contact_sheet(looks, out / SHEET_FILE, labels=names)
            factor = cosine_with_warmup(step, steps=recipe.steps, warmup=recipe.warmup)
            looked_at = busy_patches(looks, patch, patches)
            with mixed_precision(device):
                features = tower(normaliser.unit(looks).to(device), looked_at)
            embeddings = functional.normalize(features.float(), dim=-1)
            terms = objective.terms(step, embeddings, rows)
            loss = objective.weigh(terms)
            refuse_divergence(step, loss, embeddings, products=len(np.unique(stock.labels[rows])))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            norm = float(nn.utils.clip_grad_norm_(trainable.values(), 1.0))
            refuse_gradient(step, norm)
            optimizer.step(factor)
            jump.refuse(step, loss.item())
            log.write(
                step + 1,
                {
                    "loss": loss.item(),
                    **{f"loss_{name}": term.item() for name, term in terms.items()},
                    "gradient_norm": norm,
                    "mean_length": mean_length(embeddings),
                    "learning_rate": recipe.learning_rate * factor,
                    "size": size,
                    "patches": patches,
                    "images_per_s": len(rows) / (time.perf_counter() - began),
                },
            )
            done = step + 1 == recipe.steps
            if measure and (done or (measure_every and (step + 1) % measure_every == 0)):
                log.write(step + 1, measure(step + 1, tower))
            if done or (step + 1) % save_every == 0:
                log.flush()
                save(step + 1)
                if done or time.monotonic() - plotted > _PLOT_SECONDS:
                    plot_log(out)
                    plotted = time.monotonic()
            on_step(step + 1, loss.item())

    _publish(tower, out)
    write_trained_on(out, products, families)
    manifest = AdapterManifest(
        base=checkpoint.name,
        base_sha256=base_sha256,
        adapter_sha256=sha256_file(out / ADAPTER_FILE),
        rank=recipe.rank,
        alpha=recipe.scaled_alpha,
        seed=recipe.seed,
        steps=recipe.steps,
        products=len(products),
        product_ids=tuple(sorted(products)),
        families=tuple(sorted(set(families))),
        targets=recipe.targets,
        dora=recipe.dora,
        losses={name: weight for name, weight in loss_weights(recipe).items() if weight > 0},
        pixel_rule=pixel_rule,
        pixel_version=PIXEL_VERSION,
    )
    write_manifest(manifest, out)
    return manifest


@dataclass(frozen=True, slots=True)
class Known:
    """What the checkpoint knows of a stock before the tuning; only what a recipe asks for.

    Attributes:
        captions: embedded; None without text.
        before: float32 [pictures, D], embeddings of the pictures.
    """

    captions: Captions | None
    before: npt.NDArray[np.float32] | None


def look(
    clip: JinaCLIP,
    checkpoint: Path,
    stock: Stock,
    recipe: TuneRecipe,
    *,
    say: Callable[[str], None] = lambda _line: None,
) -> Known:
    """Embed captions and pictures of `stock`, where a loss of `recipe` needs them.

    Raises:
        CheckpointError: there is a tokenizer, but it cannot be used.
    """
    captions = None
    if recipe.text_weight > 0:
        captions = embed_captions(clip, checkpoint, _said(stock.pictures), say=say)
    before = None
    if recipe.arcface_weight > 0 or recipe.keep_weight > 0:
        processor = Preprocessor.from_pretrained(checkpoint)
        before = embed(clip.vision_model, stock.pictures.pixels, Normaliser(processor.mean, processor.std))
    return Known(captions, before)


def _said(pictures: PictureSet) -> list[tuple[str, ...]]:
    """What is said of each product: its caption, then some of its other wordings."""
    phrases = pictures.phrases or ((),) * len(pictures.captions)
    return [(caption, *other[:_PHRASES]) for caption, other in zip(pictures.captions, phrases, strict=True)]


def _publish(tower: Any, out: Path) -> None:
    """Put the adapter's files into `out`, each whole or not at all."""
    stage = out / ".adapter"
    shutil.rmtree(stage, ignore_errors=True)
    try:
        try:
            tower.save_pretrained(str(stage))
        except SafetensorError as error:  # what it makes of a disk that refuses
            raise OSError(f"the adapter cannot be written: {error}") from error
        for path in stage.iterdir():
            path.replace(out / path.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
