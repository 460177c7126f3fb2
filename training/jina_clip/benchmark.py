"""The vision tower against transformers' ViT of the same size: `python -m training.jina_clip.benchmark`.

Cores of a shared machine are noisy, so the two take turns in one run, and the median of the ratios of
neighbours is what counts. On a CPU without bfloat16 instructions the products are emulated and slow in both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import click
import torch
from torch import Tensor

from training.jina_clip.config import VisionConfig
from training.jina_clip.vision import VisionTower
from visionseek.output import emit, emit_json, json_option, progress

# The sizes of ViT-B/16 and of jina-clip-v1's vision tower, which are one and the same.
WIDTH, LAYERS, HEADS, PATCH, IMAGE = 768, 12, 12, 16, 224


def towers(layers: int = LAYERS) -> tuple[Callable[[Tensor], object], Callable[[Tensor], object]]:
    """Build both towers in bfloat16 with random weights; a tower of fewer layers is quicker to measure."""
    from transformers import ViTConfig, ViTModel  # noqa: PLC0415 -- only this comparison needs it

    config = VisionConfig(
        embed_dim=WIDTH, width=WIDTH, layers=layers, head_width=WIDTH // HEADS, image_size=IMAGE,
        patch_size=PATCH, mlp_ratio=2.6667, pt_hw_seq_len=IMAGE // PATCH, rope_embeddings=True,
        naive_swiglu=True, subln=True,
    )  # fmt: skip
    ours = VisionTower(config)
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    theirs = ViTModel(
        ViTConfig(
            hidden_size=WIDTH, num_hidden_layers=layers, num_attention_heads=HEADS,
            intermediate_size=4 * WIDTH, image_size=IMAGE, patch_size=PATCH, attn_implementation="sdpa",
        ),
        add_pooling_layer=False,
    )  # fmt: skip
    return ours.bfloat16().eval(), theirs.bfloat16().eval()


def compare(
    batch: int, rounds: int, layers: int = LAYERS, step: Callable[[], object] = lambda: None
) -> dict[str, float]:
    """Measure images a second of both, taking turns.

    Args:
        batch: images a forward pass.
        rounds: turns of each; the first of both warms up and does not count.
        layers: of both towers.
        step: called after every turn.

    Returns:
        Median images a second `ours` and `transformers`, and the median, least and largest of their ratios;
        `ratio_cpu` compares processor seconds, which neighbours on the machine disturb least.
    """
    ours, theirs = towers(layers)
    pixels = torch.randn(batch, 3, IMAGE, IMAGE, generator=torch.Generator().manual_seed(0)).bfloat16()
    ratios: list[float] = []
    cpu_ratios: list[float] = []
    speeds = {"ours": [0.0], "transformers": [0.0]}
    with torch.inference_mode():
        for turn in range(rounds + 1):
            # Who goes first changes with every turn, so that neither always has the warmer cache.
            order = [("ours", ours), ("transformers", theirs)][:: 1 if turn % 2 else -1]
            took: dict[str, float] = {}
            cpu: dict[str, float] = {}
            for name, tower in order:
                started, burned = time.perf_counter(), time.process_time()
                tower(pixels)
                took[name] = time.perf_counter() - started
                cpu[name] = time.process_time() - burned
            step()
            if turn:
                ratios.append(took["transformers"] / took["ours"])
                cpu_ratios.append(cpu["transformers"] / cpu["ours"])
                for name, seconds in took.items():
                    speeds[name].append(batch / seconds)
    return {
        "ours": statistics.median(speeds["ours"][1:]),
        "transformers": statistics.median(speeds["transformers"][1:]),
        "ratio": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "ratio_cpu": statistics.median(cpu_ratios),
    }


@click.command()
@click.option("--batch", default=2, show_default=True, type=click.IntRange(1, 256), help="Images a pass.")
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1, 1000), help="Turns of each.")
@click.option("--threads", default=torch.get_num_threads(), show_default=True, type=click.IntRange(1, 256))
@json_option
def main(batch: int, rounds: int, threads: int, as_json: bool) -> None:
    """Compare the bfloat16 forward pass of a v1-size vision tower with transformers' ViT-B/16 on this CPU."""
    torch.set_num_threads(threads)
    with progress() as bar:
        task = bar.add_task("taking turns", total=rounds + 1)
        result = compare(batch, rounds, step=lambda: bar.advance(task))
    if as_json:
        emit_json({"batch": batch, "rounds": rounds, "threads": threads, **result})
        return
    emit(f"Jina CLIP v1 vision tower  {result['ours']:6.1f} images/s")
    emit(f"transformers ViT-B/16      {result['transformers']:6.1f} images/s")
    spread = f"{result['ratio_min']:.2f} to {result['ratio_max']:.2f}"
    emit(f"ratio, median of {rounds} turns   {result['ratio']:.2f} ({spread})")
    emit(f"ratio of processor seconds   {result['ratio_cpu']:.2f}")


if __name__ == "__main__":
    main()
