"""`visionseek train augment`."""

from __future__ import annotations

import os
from pathlib import Path

import click
from pydantic import ValidationError
from rich.table import Table

from training.augment.chain import load_chain
from training.dataset.build import REJECTS, build
from training.dataset.manifest import DatasetManifest
from training.dataset.recipe import Recipe
from training.dataset.source import read_catalog, read_feed
from training.screenshots.fonts import missing_scripts
from training.screenshots.template import template_names
from visionseek import output
from visionseek.errors import ArtifactError, SettingsError
from visionseek.settings import load_settings

_DEFAULT = Recipe()


@click.command()
@click.option("--catalog", "feed", type=click.Path(path_type=Path), help="A feed with local pictures.")
@click.option(
    "--data", type=click.Path(path_type=Path), help="Without --catalog: data folder of the catalog database."
)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the data set."
)
@click.option("--seed", default=_DEFAULT.seed, show_default=True, help="Equal seeds give equal bytes.")
@click.option(
    "--variants", default=_DEFAULT.variants, show_default=True, help="Augmented pictures of each picture."
)
@click.option(
    "--screenshots", default=_DEFAULT.screenshots, show_default=True, help="Screenshots of each product."
)
@click.option("--views", type=int, help="Most pictures of a product that are used.  [default: all]")
@click.option("--chain", "chains", multiple=True, help="Chain of steps, or FILE.toml:NAME; repeatable.")
@click.option(
    "--template", "templates", multiple=True, help="Screenshot template or set of them; repeatable."
)
@click.option("--size", default=_DEFAULT.size, show_default=True, help="Longer side of pictures, pixels.")
@click.option("--width", type=int, help="Width of screenshots, pixels.  [default: each template's screens]")
@click.option("--validation", default=_DEFAULT.validation, show_default=True, help="Share of the products.")
@click.option("--test", default=_DEFAULT.test, show_default=True, help="Share of the products.")
@click.option(
    "--shard-samples", default=_DEFAULT.shard_samples, show_default=True, help="Samples a shard, about."
)
@click.option("--workers", type=click.IntRange(1, 256), help="Processes.  [default: one a core]")
@output.json_option
def augment(
    feed: Path | None,
    data: Path | None,
    out: Path,
    seed: int,
    variants: int,
    screenshots: int,
    views: int | None,
    chains: tuple[str, ...],
    templates: tuple[str, ...],
    size: int,
    width: int | None,
    validation: float,
    test: float,
    shard_samples: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Make a training set: variants and screenshots of a catalog, with splits, labels and boxes.

    An interrupted run goes on where it stopped when it is started again with the same options.
    """
    chosen_chains = chains or _DEFAULT.chains
    chosen_templates = templates or _DEFAULT.templates
    recipe = _recipe(
        seed=seed, variants=variants, screenshots=screenshots, views=views, chains=chosen_chains,
        templates=chosen_templates, size=size, width=width, validation=validation, test=test,
        shard_samples=shard_samples,
    )  # fmt: skip
    for name in chosen_chains:
        load_chain(name)
    for name in chosen_templates:
        template_names(name)
    products, rejects = read_feed(feed) if feed else read_catalog(load_settings(data=data))
    try:
        with output.progress() as bar:
            task = bar.add_task("shards", total=None)
            manifest = build(
                products,
                rejects,
                out,
                recipe,
                workers=workers or os.cpu_count() or 1,
                advance=lambda done, total: bar.update(task, completed=done, total=total),
            )
    except OSError as error:
        mend = "make room or choose another --out, and run again: what is finished is kept"
        raise ArtifactError(f"cannot write: {error.strerror or error}", where=str(out), mend=mend) from error
    _tell(manifest, out)
    if screenshots and (missing := missing_scripts()):
        output.console.print(
            f"no screenshots in {', '.join(missing)}: fonts are missing; "
            "pip install 'visionseek\\[fonts]', and libfribidi0 from the system",
            style="yellow",
            soft_wrap=True,
        )
    if as_json:
        output.emit_json(
            {
                "out": str(out),
                "products": manifest.products,
                "samples": manifest.samples,
                "shards": len(manifest.shards),
                "rejected": manifest.rejected,
                "labels": {name: check.model_dump() for name, check in manifest.labels.items()},
            }
        )


def _recipe(**options: object) -> Recipe:
    try:
        recipe = Recipe.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        name = "--" + str(first["loc"][0]).replace("_", "-")
        raise SettingsError(f"{name}: {first['msg']} (got {first['input']!r})") from error
    if recipe.validation + recipe.test >= 1.0:
        raise SettingsError(
            "--validation and --test leave nothing to train on", mend="their sum must be below 1"
        )
    return recipe


def _tell(manifest: DatasetManifest, out: Path) -> None:
    table = Table("split", "products", "families", "samples", title=str(out))
    for split in manifest.samples:
        counts = (manifest.products[split], manifest.families[split], manifest.samples[split])
        table.add_row(split, *map(str, counts))
    output.console.print(table)
    if manifest.labels:
        probe = Table(
            "attribute", "nearest neighbour", "chance", "pictures", title="do pictures show their labels?"
        )
        for name, check in manifest.labels.items():
            probe.add_row(name, f"{check.accuracy:.0%}", f"{check.chance:.0%}", str(check.pictures))
        output.console.print(probe)
    if manifest.rejected:
        output.console.print(f"{manifest.rejected} left out; reasons are in {out / REJECTS}")
