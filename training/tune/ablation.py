"""An ablation: short runs from one checkpoint that differ in one thing each, measured on the same queries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from training.adapters import checkpoint_sha256
from training.divergence import TrainingDiverged
from training.jina_clip import JinaCLIP
from training.tune import held_out
from training.tune.material import Material
from training.tune.recipe import TuneRecipe
from training.tune.run import Known, look, tune
from training.tune.variants import Variant
from visionseek.files import write_atomically

TABLE_FILE, RESULTS_FILE, ROW_FILE = "ablation.md", "ablation.json", "row.json"
Row = dict[str, Any]


def ablate(
    checkpoint: Path,
    material: Material,
    base: TuneRecipe,
    variants: Sequence[Variant],
    out: Path,
    *,
    device: str = "cpu",
    on_row: Callable[[Row], None] = lambda _row: None,
    on_step: Callable[[str, int, float], None] = lambda _name, _step, _loss: None,
    say: Callable[[str], None] = lambda _line: None,
) -> list[Row]:
    """Run every variant, or take it from `out` where it was run before; the tables are written after each row.

    A row whose training diverged says so and has no figures.

    Args:
        checkpoint: what every row starts from.
        material: pictures, screenshots and queries, shared by all rows.
        base: the recipe that the variants change.
        variants: the rows.
        out: gets `ablation.md`, `ablation.json`, and a folder a row.
        device: where it is computed.
        on_row: called with each row when it is there.
        on_step: called after each step with the row's name, the step and the loss.
        say: gets lines for a person to read.

    Raises:
        CheckpointError: checkpoint damaged, or a row's folder holds a run of another recipe.
        OSError: the disk refused.
    """
    base_sha256 = checkpoint_sha256(checkpoint)
    known = _known(checkpoint, material, base, device, say)
    rows: list[Row] = []
    for variant in variants:
        recipe = variant.recipe(base)
        folder = out / variant.slug
        described = {
            "base_sha256": base_sha256,
            "recipe": None if variant.changes is None else asdict(recipe),
            "pictures": len(material.stock.labels),
            "queries": material.benchmark.queries,
        }
        row = _read(folder, described)
        if row is None:
            row = _run(checkpoint, material, variant, recipe, folder, known, device, on_step)
            row["described"] = described
            write_atomically(folder / ROW_FILE, json.dumps(row, indent=1).encode())
        rows.append(row)
        on_row(row)
        write_atomically(out / RESULTS_FILE, (json.dumps(rows, indent=1) + "\n").encode())
        write_atomically(out / TABLE_FILE, table(rows).encode())
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table: recall@1 by slice (recall@10 of text), with 95 % intervals."""
    slices = list(dict.fromkeys(name for row in rows for name in row["figures"]))
    depth = {name: 10 if name == held_out.TEXT else 1 for name in slices}
    head = ["variant", *(f"{name} R@{depth[name]}" for name in slices), "steps", "seconds"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = []
        for name in slices:
            found = row["figures"].get(name, {}).get(f"recall@{depth[name]}")
            cells.append(
                f"{found[0]:.3f} [{found[1]:.3f}, {found[2]:.3f}]" if found else row.get("stopped", "-")
            )
        lines.append([row["variant"], *cells, str(row["steps"]), f"{row['seconds']:.0f}"])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _run(
    checkpoint: Path,
    material: Material,
    variant: Variant,
    recipe: TuneRecipe,
    folder: Path,
    known: Known,
    device: str,
    on_step: Callable[[str, int, float], None],
) -> Row:
    began = time.perf_counter()
    row: Row = {"variant": variant.name, "changes": variant.changes, "steps": 0, "figures": {}}
    adapter = None
    if variant.changes is not None:
        row["steps"] = recipe.steps
        try:
            tune(
                checkpoint,
                material.stock,
                recipe,
                folder,
                pixel_rule=material.rule,
                families=material.families,
                never=material.never,
                neighbours=material.neighbours if recipe.hard_share > 0 else None,
                known=known,
                device=device,
                on_step=lambda step, loss: on_step(variant.name, step, loss),
            )
            adapter = folder
        except TrainingDiverged as error:
            return {**row, "stopped": error.what, "seconds": round(time.perf_counter() - began, 1)}
    trained = time.perf_counter() - began
    figures = held_out.recalls_of(checkpoint, material.benchmark, adapter=adapter, device=device)
    return {**row, "seconds": round(trained, 1), "figures": held_out.as_lists(figures)}


def _known(
    checkpoint: Path, material: Material, base: TuneRecipe, device: str, say: Callable[[str], None]
) -> Known:
    """Captions and embeddings before the tuning, once for all rows."""
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32).to(device)
    every = replace(base, text_weight=base.text_weight or 1.0, keep_weight=1.0)
    return look(clip, checkpoint, material.stock, every, say=say)


def _read(folder: Path, described: dict[str, Any]) -> Row | None:
    path = folder / ROW_FILE
    try:
        row: Row = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return row if row.get("described") == described else None
