"""`visionseek train pretrain`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from visionseek import output
from visionseek.errors import InputError

if TYPE_CHECKING:
    from training.pretrain.pictures import Source


@click.command()
@click.option(
    "--feed",
    "feeds",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A feed with pictures; repeatable.",
)
@click.option(
    "--photos",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of photographs; repeatable.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Gets the checkpoint, state and log."
)
@click.option("--steps", type=click.IntRange(1), default=3000, show_default=True)
@click.option(
    "--products-each", type=click.IntRange(2), default=48, show_default=True, help="Products in a batch."
)
@click.option(
    "--views", type=click.IntRange(2), default=2, show_default=True, help="Pictures of each in a batch."
)
@click.option("--learning-rate", type=float, default=1e-3, show_default=True)
@click.option(
    "--size", type=click.IntRange(32), default=112, show_default=True, help="Side of most of the training."
)
@click.option(
    "--final-share", type=click.FloatRange(0, 1), default=0.1, show_default=True, help="At the full size."
)
@click.option("--pixel-rule", type=click.Choice(["shortest-crop", "pad"]), default="pad", show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@output.json_option
def pretrain(
    feeds: tuple[Path, ...],
    folders: tuple[Path, ...],
    out: Path,
    steps: int,
    products_each: int,
    views: int,
    learning_rate: float,
    size: int,
    final_share: float,
    pixel_rule: str,
    seed: int,
    as_json: bool,
) -> None:
    """Train visionseek-mini from scratch: pictures of one product together, of two products apart.

    A run that was stopped goes on where it was when it is called again with the same options.
    """
    # torch takes seconds to import; `--help` should not.
    from training.jina_clip import MINI, JinaCLIP, Preprocessor  # noqa: PLC0415
    from training.pretrain import run  # noqa: PLC0415
    from training.pretrain.pictures import feed_sources, folder_sources, read_pictures  # noqa: PLC0415

    sources: list[Source] = [source for feed in feeds for source in feed_sources(feed)]
    for folder in folders:
        if not folder.is_dir():
            raise InputError("there is no folder here", where=str(folder))
        sources += folder_sources(folder)
    if not sources:
        raise InputError("nothing to learn from", mend="give --feed FEED or --photos FOLDER")
    processor = Preprocessor(
        MINI["vision_config"]["image_size"], "pad" if pixel_rule == "pad" else "shortest-crop"
    )
    recipe = run.Recipe(
        steps=steps,
        products_each=products_each,
        views=views,
        learning_rate=learning_rate,
        size=size,
        final_size=processor.size,
        final_share=final_share,
        seed=seed,
    )
    with output.progress() as bar:
        reading = bar.add_task("reading pictures", total=len(sources))
        pictures = read_pictures(
            sources, size=processor.size, rule=processor.rule, on_read=lambda: bar.advance(reading)
        )
    for line in pictures.skipped:
        output.console.print(f"skipped {line}", markup=False, soft_wrap=True)
    losses: list[float] = []
    with output.progress() as bar:
        training = bar.add_task("training", total=steps)

        def on_step(step: int, loss: float) -> None:
            losses.append(loss)
            recent = losses[-50:]
            bar.update(
                training, completed=step, description=f"training, loss {sum(recent) / len(recent):.3f}"
            )

        clip = run.pretrain(
            JinaCLIP.from_config(MINI, seed=seed), processor, pictures, recipe, out, on_step=on_step
        )
    checkpoint = out / "checkpoint"
    clip.save_pretrained(checkpoint)
    processor.save_pretrained(checkpoint)
    result: dict[str, Any] = {
        "checkpoint": str(checkpoint),
        "steps": steps,
        "pictures": len(pictures.pixels),
        "products": len(pictures.products),
        "skipped": len(pictures.skipped),
        "loss": losses[-1] if losses else None,
    }
    output.console.print(f"saved {checkpoint}", soft_wrap=True)
    if as_json:
        output.emit_json(result)
