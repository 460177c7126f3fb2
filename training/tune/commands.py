"""`visionseek train tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.table import Table

from training.recipes import field_options, recipe_option
from training.tune.recipe import TuneRecipe
from visionseek import output
from visionseek.errors import ArtifactError

if TYPE_CHECKING:
    from training.tune.held_out import Figures

DEFAULT_CHECKPOINT = Path(__file__).parents[1] / "checkpoints" / "visionseek-mini"
SAMPLE_FEED = Path(__file__).parents[2] / "catalog" / "sample" / "feed.csv"


@click.command()
@recipe_option("tune")
@click.option(
    "--feed", type=click.Path(path_type=Path), default=SAMPLE_FEED, help="Default: the sample catalog."
)
@click.option(
    "--checkpoint",
    default=str(DEFAULT_CHECKPOINT),
    help="A folder, or an id on the model hub. Default: mini.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Gets the adapter, state and log.")
@click.option(
    "--shots", type=click.IntRange(0), default=2, show_default=True, help="Screenshots of each picture."
)
@click.option(
    "--held-out", type=click.FloatRange(0.01, 0.9), default=0.25, show_default=True, help="Families."
)
@click.option(
    "--held-out-feed",
    type=click.Path(path_type=Path),
    help="Measure on this feed instead, and learn from all of --feed; a product in both is refused.",
)
@click.option(
    "--neighbours-from",
    type=click.Path(path_type=Path),
    help="Nearest products to begin with: an encoder's folder of the index's embedding store.",
)
@click.option("--cache", type=click.Path(path_type=Path), help="Keeps screenshots. Default: OUT/cache.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Make screenshots.")
@click.option(
    "--measure-every", type=click.IntRange(0), default=0, show_default=True, help="Steps between recalls."
)
@click.option("--save-every", type=click.IntRange(1), default=50, show_default=True, help="Steps.")
@click.option("--device", default="cpu", show_default=True, help="Where to compute: cpu, cuda.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost: memory, steps, time.")
@field_options(TuneRecipe)
@output.json_option
def tune(
    feed: Path,
    checkpoint: str,
    out: Path | None,
    shots: int,
    held_out: float,
    held_out_feed: Path | None,
    neighbours_from: Path | None,
    cache: Path | None,
    workers: int,
    measure_every: int,
    save_every: int,
    device: str,
    dry_run: bool,
    as_json: bool,
    **fields: Any,
) -> None:
    """Tune LoRA adapters so that screenshots find their products; measured on families that it never saw.

    A run that was stopped goes on where it was when it is called again with the same options.
    """
    # torch takes seconds to import; `--help` should not.
    from training.jina_clip.folder import resolve  # noqa: PLC0415
    from training.precision import require_device  # noqa: PLC0415
    from training.tune import held_out as measured  # noqa: PLC0415
    from training.tune.cost import report_cost  # noqa: PLC0415
    from training.tune.material import gather  # noqa: PLC0415
    from training.tune.run import tune as run  # noqa: PLC0415

    recipe = TuneRecipe(**fields)
    require_device(device)
    if dry_run:
        report_cost(checkpoint, recipe, as_json=as_json)
        return
    if out is None:
        raise click.UsageError("Missing option '--out'.")
    folder = resolve(checkpoint)
    try:
        material = gather(
            folder,
            feed,
            recipe,
            shots=shots,
            held_out=held_out,
            held_out_feed=held_out_feed,
            neighbours_from=neighbours_from,
            cache=cache or out / "cache",
            workers=workers,
        )
        benchmark = material.benchmark
        before = measured.recalls_of(folder, benchmark, device=device)
        with output.progress() as bar:
            training = bar.add_task("tuning", total=recipe.steps)
            manifest = run(
                folder,
                material.stock,
                recipe,
                out,
                pixel_rule=material.rule,
                families=material.families,
                never=material.never,
                neighbours=material.neighbours,
                device=device,
                measure=lambda step, tower: measured.for_log(
                    measured.recalls(tower, benchmark) if step else before
                ),
                measure_every=measure_every,
                save_every=save_every,
                on_step=lambda step, loss: bar.update(
                    training, completed=step, description=f"tuning, loss {loss:.3f}"
                ),
                say=_say,
            )
    except OSError as error:
        raise ArtifactError(
            f"the disk refused: {error}",
            where=str(out),
            mend="make room, and run the same command again: it goes on",
        ) from error
    after = measured.recalls_of(folder, benchmark, adapter=out, device=device)
    _show(before, after)
    output.console.print(f"saved {out}", soft_wrap=True)
    if as_json:
        lists = measured.as_lists(before), measured.as_lists(after)
        main = measured.SCREENSHOT if measured.SCREENSHOT in before else next(iter(before))
        output.emit_json(
            {
                "adapter": str(out),
                "adapter_sha256": manifest.adapter_sha256,
                "steps": recipe.steps,
                "products": manifest.products,
                "queries": before[main][0].queries,
                "recall_before": lists[0][main],
                "recall_after": lists[1][main],
                "slices_before": lists[0],
                "slices_after": lists[1],
                "known_to_base": material.known_to_base,
                "shots_per_s": material.rate,
            }
        )


def _say(line: str) -> None:
    output.console.print(line, markup=False, soft_wrap=True)


def _show(before: Figures, after: Figures) -> None:
    table = Table("held-out queries", "number", "recall@1 before", "after", "recall@10 before", "after")
    for name, pair in before.items():
        cells = [
            f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
            for depth in (0, 1)
            for one in (pair[depth], after[name][depth])
        ]
        table.add_row(name, str(pair[0].queries), *cells)
    output.console.print(table)
