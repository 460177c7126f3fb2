"""`visionseek train ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from training.recipes import field_options, recipe_option
from training.tune.commands import DEFAULT_CHECKPOINT, SAMPLE_FEED
from training.tune.recipe import TuneRecipe
from training.tune.variants import VARIANTS
from visionseek import output
from visionseek.errors import ArtifactError, InputError


@click.command()
@recipe_option("tune")
@click.option("--feed", type=click.Path(path_type=Path), default=SAMPLE_FEED)
@click.option("--checkpoint", default=str(DEFAULT_CHECKPOINT), help="What every row starts from.")
@click.option("--out", type=click.Path(path_type=Path), help="Gets the tables, and a folder a row.")
@click.option("--row", "rows", multiple=True, help="Only this row; repeatable. Default: all.")
@click.option(
    "--budget-steps", type=click.IntRange(1), help="Optimiser steps of each row, in place of --steps."
)
@click.option("--shots", type=click.IntRange(1), default=2, show_default=True)
@click.option("--held-out", type=click.FloatRange(0.01, 0.9), default=0.25, show_default=True)
@click.option("--held-out-feed", type=click.Path(path_type=Path))
@click.option("--neighbours-from", type=click.Path(path_type=Path))
@click.option("--cache", type=click.Path(path_type=Path), help="Keeps screenshots. Default: OUT/cache.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@click.option("--measure-every", type=click.IntRange(0), hidden=True)  # may stand in a recipe of `tune`
@click.option("--save-every", type=click.IntRange(1), hidden=True)
@click.option("--device", default="cpu", show_default=True)
@field_options(TuneRecipe)
@output.json_option
def ablate(
    feed: Path,
    checkpoint: str,
    out: Path | None,
    rows: tuple[str, ...],
    budget_steps: int | None,
    shots: int,
    held_out: float,
    held_out_feed: Path | None,
    neighbours_from: Path | None,
    cache: Path | None,
    workers: int,
    measure_every: int | None,
    save_every: int | None,
    device: str,
    as_json: bool,
    **fields: Any,
) -> None:
    """Run the recipe with one thing changed at a time, and write a table of what each is worth.

    A row that is there already is not run again, so a stopped table goes on where it was.
    """
    from training.jina_clip.folder import resolve  # noqa: PLC0415
    from training.precision import require_device  # noqa: PLC0415
    from training.tune.ablation import TABLE_FILE, table  # noqa: PLC0415
    from training.tune.ablation import ablate as run  # noqa: PLC0415
    from training.tune.material import gather  # noqa: PLC0415

    del measure_every, save_every
    if out is None:
        raise click.UsageError("Missing option '--out'.")
    known = {variant.name: variant for variant in VARIANTS}
    unknown = [name for name in rows if name not in known]
    if unknown:
        raise InputError(f"there is no row {unknown[0]!r}", mend=f"rows: {', '.join(known)}")
    variants = [known[name] for name in rows] or list(VARIANTS)
    if budget_steps is not None:
        # The warm-up and the memory's start keep their share of a shorter run.
        share = budget_steps / fields["steps"]
        fields |= {"steps": budget_steps}
        fields |= {name: round(fields[name] * min(1.0, share)) for name in ("warmup", "memory_after")}
    base = TuneRecipe(**fields)
    require_device(device)
    folder = resolve(checkpoint)
    try:
        material = gather(
            folder,
            feed,
            base,
            shots=shots,
            held_out=held_out,
            held_out_feed=held_out_feed,
            neighbours_from=neighbours_from,
            cache=cache or out / "cache",
            workers=workers,
        )
        with output.progress() as bar:
            progress = bar.add_task("rows", total=len(variants) * base.steps)
            done = [0]

            def on_step(name: str, step: int, loss: float) -> None:
                bar.update(progress, completed=done[0] + step, description=f"{name}, loss {loss:.3f}")

            def on_row(_row: dict[str, Any]) -> None:
                done[0] += base.steps
                bar.update(progress, completed=done[0])

            found = run(
                folder,
                material,
                base,
                variants,
                out,
                device=device,
                on_row=on_row,
                on_step=on_step,
                say=lambda line: output.console.print(line, markup=False, soft_wrap=True),
            )
    except OSError as error:
        raise ArtifactError(
            f"the disk refused: {error}",
            where=str(out),
            mend="make room, and run the same command again: it goes on",
        ) from error
    output.console.print(table(found), markup=False, soft_wrap=True)
    output.console.print(f"saved {out / TABLE_FILE}", soft_wrap=True)
    if as_json:
        output.emit_json({"table": str(out / TABLE_FILE), "rows": found})
