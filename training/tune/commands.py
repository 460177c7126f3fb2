"""`visionseek train tune`."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from visionseek import output

DEFAULT_CHECKPOINT = Path(__file__).parents[1] / "checkpoints" / "visionseek-mini"
SAMPLE_FEED = Path(__file__).parents[2] / "catalog" / "sample" / "feed.csv"


@click.command()
@click.option(
    "--feed", type=click.Path(path_type=Path), default=SAMPLE_FEED, help="Default: the sample catalog."
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    default=DEFAULT_CHECKPOINT,
    help="Default: visionseek-mini.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Gets the adapter, state and log."
)
@click.option("--steps", type=click.IntRange(1), default=300, show_default=True)
@click.option(
    "--products-each", type=click.IntRange(2), default=24, show_default=True, help="Products in a batch."
)
@click.option("--learning-rate", type=float, default=5e-4, show_default=True)
@click.option("--rank", type=click.IntRange(1), default=16, show_default=True)
@click.option("--dora", is_flag=True, help="Weight-decomposed LoRA.")
@click.option(
    "--shots", type=click.IntRange(1), default=2, show_default=True, help="Screenshots of each picture."
)
@click.option(
    "--held-out", type=click.FloatRange(0.01, 0.9), default=0.25, show_default=True, help="Families."
)
@click.option("--seed", type=int, default=0, show_default=True)
@output.json_option
def tune(
    feed: Path,
    checkpoint: Path,
    out: Path,
    steps: int,
    products_each: int,
    learning_rate: float,
    rank: int,
    dora: bool,
    shots: int,
    held_out: float,
    seed: int,
    as_json: bool,
) -> None:
    """Tune LoRA adapters so that screenshots find their products; measured on families that it never saw.

    A run that was stopped goes on where it was when it is called again with the same options.
    """
    # torch takes seconds to import; `--help` should not.
    from training.jina_clip import Preprocessor  # noqa: PLC0415
    from training.pretrain.pictures import feed_sources, read_pictures  # noqa: PLC0415
    from training.split import require_apart, split_by_family  # noqa: PLC0415
    from training.tune import run  # noqa: PLC0415
    from training.tune.held_out import Benchmark, recall_of  # noqa: PLC0415
    from training.tune.shots import shot_set  # noqa: PLC0415

    sources = feed_sources(feed)
    learn, held = split_by_family(sources, held_out=held_out)
    require_apart(learn, held)
    processor = Preprocessor.from_pretrained(checkpoint)
    recipe = run.TuneRecipe(
        steps=steps,
        products_each=products_each,
        learning_rate=learning_rate,
        rank=rank,
        alpha=rank,
        dora=dora,
        seed=seed,
    )
    with output.progress() as bar:
        reading = bar.add_task("reading pictures", total=len(sources))
        gallery = read_pictures(
            sources, size=processor.size, rule=processor.rule, on_read=lambda: bar.advance(reading)
        )
        pictures = read_pictures(learn, size=processor.size, rule=processor.rule)
        drawing = bar.add_task("simulating screenshots", total=(len(learn) + len(held)) * shots)

        def drawn() -> None:
            bar.advance(drawing)

        made = shot_set(
            learn, pictures, each=shots, size=processor.size, rule=processor.rule, seed=seed, on_shot=drawn
        )
        queries = shot_set(
            held, gallery, each=shots, size=processor.size, rule=processor.rule, seed=seed + 1, on_shot=drawn
        )
    benchmark = Benchmark(gallery, queries, processor)
    with output.progress() as bar:
        training = bar.add_task("tuning", total=steps)
        manifest = run.tune(
            checkpoint,
            pictures,
            made,
            recipe,
            out,
            pixel_rule=processor.rule,
            on_step=lambda step, loss: bar.update(
                training, completed=step, description=f"tuning, loss {loss:.3f}"
            ),
        )
    before, after = recall_of(checkpoint, benchmark), recall_of(checkpoint, benchmark, adapter=out)
    table = Table("held-out screenshots", "recall@1 [95 %]", "recall@10 [95 %]")
    for name, figures in (("before", before), ("after", after)):
        table.add_row(name, *(f"{r.value:.3f} [{r.low:.3f}, {r.high:.3f}]" for r in figures))
    output.console.print(table)
    output.console.print(f"saved {out}", soft_wrap=True)
    if as_json:
        output.emit_json(
            {
                "adapter": str(out),
                "adapter_sha256": manifest.adapter_sha256,
                "steps": steps,
                "products": manifest.products,
                "queries": len(queries.pixels),
                "recall_before": {f"recall@{r.depth}": r.as_list() for r in before},
                "recall_after": {f"recall@{r.depth}": r.as_list() for r in after},
            }
        )
