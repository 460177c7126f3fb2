"""What a run would cost, before it is started: memory, operations, time."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.table import Table
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from training.adapters import attach
from training.jina_clip.checkpoint import WEIGHTS
from training.jina_clip.config import VisionConfig
from training.jina_clip.vision import VisionTower
from training.optimizer import Optimizer
from training.precision import mixed_precision
from training.tune.checkpointing import checkpoint_blocks
from training.tune.recipe import TuneRecipe
from training.tune.sizes import sizes_of
from visionseek import output

# Python, torch and its libraries, before a checkpoint is loaded.
_PROCESS_BYTES = 0.6e9
_TIMED_IMAGES = 8
# Tensors of the widest layer that a block holds beside what it keeps, forward and backward.
_WIDEST_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Cost:
    """The findings; bytes, operations (two for a multiply-add) and seconds.

    Attributes:
        steps: of the run.
        images_each_step: pictures and shots in a batch.
        parameters: of the vision tower.
        trained_parameters: of the adapter.
        gflop_each_image: forward and backward pass.
        weights_bytes: of the vision tower.
        optimiser_bytes: adapter, its gradients and both moments of AdamW.
        activations_bytes: kept for the backward pass.
        text_bytes: the text tower, for the captions.
        peak_bytes: the most at one time, without the catalog's pictures.
        picture_bytes: a picture of the catalog, kept in memory.
        seconds_each_step: on this machine.
        seconds: of all steps; screenshots, reading and measuring not counted.
        timed_on: what was timed for it.
    """

    steps: int
    images_each_step: int
    parameters: int
    trained_parameters: int
    gflop_each_image: float
    weights_bytes: int
    optimiser_bytes: int
    activations_bytes: int
    text_bytes: int
    peak_bytes: int
    picture_bytes: int
    seconds_each_step: float
    seconds: float
    timed_on: str


def cost(checkpoint: str, recipe: TuneRecipe) -> Cost:
    """Estimate a run on this machine.

    Memory and operations come from a pass without data. Time is that of two real steps of the whole tower where
    the checkpoint is on the disk; else of steps of towers of the same sizes with one and two blocks.

    Raises:
        CheckpointError: no such checkpoint, or a configuration that is refused.
    """
    sizes = sizes_of(checkpoint)
    vision = sizes.vision
    first = recipe.size or vision.image_size
    last = vision.image_size if recipe.growing_share else first
    start, end = (_looks(vision, recipe, size, step) for size, step in ((first, 0), (last, recipe.steps - 1)))
    if not recipe.growing_share:
        end = start
    largest = max(start, end, key=lambda looks: (looks.patches, looks.side))  # memory is that of the largest
    counts = {looks: _count(vision, recipe, looks) for looks in {start, end}}
    counted = counts[largest]
    growth = recipe.growing_share / 2  # weight of the last looks in the mean over the steps
    flop = counts[start].flop_each_image * (1 - growth) + counts[end].flop_each_image * growth
    images = recipe.images_each_step
    on_disk = sizes.folder is not None and (sizes.folder / WEIGHTS).is_file()
    if on_disk:
        took = {looks: _timed(vision, recipe, looks, images) for looks in {start, end}}
        timed_on = "two steps of the whole tower"
    else:
        few = min(images, _TIMED_IMAGES)
        took = {looks: _timed_by_blocks(vision, recipe, looks, few) * images / few for looks in {start, end}}
        timed_on = f"blocks of that size, {few} pictures"
    step = took[start] * (1 - growth) + took[end] * growth
    text = sizes.text_parameters * 4 if recipe.text_weight > 0 else 0
    activations = round(counted.activations_each_image * images) + counted.activations_once
    weights, optimiser = counted.parameters * 4, counted.trained * 16
    working = _WIDEST_AT_ONCE * images * (1 + largest.patches) * vision.hidden * 4
    pixels = 3 * images * 3 * max(first, last) ** 2 * 4
    # The text tower is counted to the end: weights that were read from one file are given back together.
    peak = _PROCESS_BYTES + weights + text + optimiser + activations + working + pixels
    return Cost(
        steps=recipe.steps,
        images_each_step=images,
        parameters=counted.parameters,
        trained_parameters=counted.trained,
        gflop_each_image=flop / 1e9,
        weights_bytes=weights,
        optimiser_bytes=optimiser,
        activations_bytes=activations,
        text_bytes=text,
        peak_bytes=round(peak),
        picture_bytes=3 * vision.image_size**2,
        seconds_each_step=step,
        seconds=step * recipe.steps,
        timed_on=timed_on,
    )


def report_cost(checkpoint: str, recipe: TuneRecipe, *, as_json: bool) -> None:
    """Print the cost as a table, and as one line of JSON where asked."""
    found = cost(checkpoint, recipe)
    table = Table(show_header=False, box=None)
    hours = found.seconds / 3600
    rows = {
        "steps": f"{found.steps:,} of {found.images_each_step} images",
        "trained": f"{found.trained_parameters:,} of {found.parameters:,} parameters",
        "work": f"{found.gflop_each_image:.3g} GFLOP an image, "
        f"{found.gflop_each_image * found.images_each_step * found.steps / 1e6:.3g} PFLOP in all",
        "memory": f"{found.peak_bytes / 1e9:.1f} GB at most (activations {found.activations_bytes / 1e9:.2f}, "
        f"weights {found.weights_bytes / 1e9:.2f}, adapter and optimiser {found.optimiser_bytes / 1e9:.2f}, "
        f"text tower {found.text_bytes / 1e9:.2f}) and {found.picture_bytes / 1e6:.2f} MB a picture",
        "time": f"{found.seconds_each_step:.3g} s a step here, "
        + (f"{hours:.1f} h in all" if hours >= 2 else f"{found.seconds / 60:.1f} min in all")
        + f" (timed on {found.timed_on})",
    }
    for name, value in rows.items():
        table.add_row(f"[bold]{name}[/]", value)
    output.console.print(table)
    if as_json:
        output.emit_json(asdict(found))


@dataclass(frozen=True, slots=True)
class _Looks:
    side: int
    patches: int

    def pixels(self, images: int) -> Tensor:
        return torch.randn(images, 3, self.side, self.side)

    def looked_at(self, images: int, patch: int) -> Tensor | None:
        if self.patches == (self.side // patch) ** 2:
            return None
        return torch.arange(self.patches).expand(images, -1).contiguous()


def _looks(vision: VisionConfig, recipe: TuneRecipe, side: int, step: int) -> _Looks:
    return _Looks(side, recipe.patches_at(step, side, vision.patch_size))


@dataclass(frozen=True, slots=True)
class _Counted:
    parameters: int
    trained: int
    flop_each_image: float
    activations_each_image: float
    activations_once: int


def _count(vision: VisionConfig, recipe: TuneRecipe, looks: _Looks) -> _Counted:
    """Run the tower's forward and backward pass on tensors that have no data."""
    saved = {images: _saved(vision, recipe, looks, images) for images in (2, 4)}
    each = (saved[4].bytes - saved[2].bytes) / 2
    once = max(0, round(saved[2].bytes - 2 * each))
    if recipe.checkpointing:
        # Blocks keep their inputs; one block at a time is computed again with all that it keeps.
        inputs = vision.layers * (1 + looks.patches) * vision.width * 4
        each, once = inputs + each / vision.layers, round(once / vision.layers)
    flop = saved[2].forward_and_back / 2 + (saved[2].forward / 2 if recipe.checkpointing else 0)
    return _Counted(saved[2].parameters, saved[2].trained, flop, each, once)


@dataclass(frozen=True, slots=True)
class _Pass:
    parameters: int
    trained: int
    bytes: int
    forward: int
    forward_and_back: int


def _saved(vision: VisionConfig, recipe: TuneRecipe, looks: _Looks, images: int) -> _Pass:
    with torch.device("meta"):
        tower = _attached(VisionTower(vision), recipe)
    with FakeTensorMode():
        values = {
            name: torch.empty(p.shape).requires_grad_(p.requires_grad) for name, p in tower.named_parameters()
        }
        values |= {name: torch.empty(buffer.shape) for name, buffer in tower.named_buffers()}
        storages = {value.untyped_storage()._cdata for value in values.values()}
        kept: dict[int, Any] = {}

        def keep(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage._cdata not in storages:
                kept[storage._cdata] = storage  # held, so that no other gets its number
            return tensor

        inputs = looks.pixels(images), looks.looked_at(images, vision.patch_size)
        with FlopCounterMode(display=False) as counter:
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), mixed_precision():
                features = torch.func.functional_call(tower, values, inputs)
            forward = counter.get_total_flops()
            features.float().sum().backward()
        return _Pass(
            parameters=sum(p.numel() for p in tower.parameters() if not p.requires_grad),
            trained=sum(p.numel() for p in tower.parameters() if p.requires_grad),
            bytes=sum(storage.nbytes() for storage in kept.values()),
            forward=forward,
            forward_and_back=counter.get_total_flops(),
        )


def _timed_by_blocks(vision: VisionConfig, recipe: TuneRecipe, looks: _Looks, images: int) -> float:
    """Seconds of a step of a tower too large to be made: by what a second block adds to the first."""
    one, two = (
        _timed(vision.model_copy(update={"layers": layers}), recipe, looks, images) for layers in (1, 2)
    )
    return one + max(two - one, 0.0) * (vision.layers - 1)


def _timed(vision: VisionConfig, recipe: TuneRecipe, looks: _Looks, images: int) -> float:
    """Seconds of a step of a tower with random weights, the better of two."""
    plain = VisionTower(vision)
    for parameter in plain.parameters():
        nn.init.normal_(parameter, std=0.02)
    if recipe.checkpointing:
        checkpoint_blocks(plain)
    tower = _attached(plain, recipe)
    trained = {name: parameter for name, parameter in tower.named_parameters() if parameter.requires_grad}
    optimizer = Optimizer(trained, recipe.optimizer, learning_rate=1e-6, weight_decay=0.0)
    inputs = looks.pixels(images), looks.looked_at(images, vision.patch_size)
    took = []
    for _ in range(2):
        began = time.perf_counter()
        with mixed_precision():
            features = tower(*inputs)
        features.float().square().mean().backward()
        optimizer.step(1.0)
        optimizer.zero_grad()
        took.append(time.perf_counter() - began)
    return min(took)


def _attached(tower: VisionTower, recipe: TuneRecipe) -> Any:
    return attach(
        tower, rank=recipe.rank, alpha=recipe.scaled_alpha, use_dora=recipe.dora, targets=recipe.targets
    ).train()
