"""`visionseek catalog render`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from catalog.render.renderer import require_renderer
from catalog.render.tracer import tracer
from visionseek.output import console, emit_json, json_option, progress


@click.command()
@click.option("--products", type=click.IntRange(1, 1_000_000), default=300, show_default=True)
@click.option("--views", type=click.IntRange(1, 16), default=3, show_default=True, help="Pictures a product.")
@click.option(
    "--seed", type=click.IntRange(0), default=7, show_default=True, help="Another one: other products."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True)
@click.option("--size", type=click.IntRange(16, 2048), default=224, show_default=True, help="Side in pixels.")
@click.option(
    "--samples", type=click.IntRange(1, 4096), default=16, show_default=True, help="Rays a pixel: less noise."
)
@click.option("--workers", type=click.IntRange(1, 256), default=None, help="Processes.  [default: CPU cores]")
@json_option
def render(
    *,
    products: int,
    views: int,
    seed: int,
    out: Path,
    size: int,
    samples: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Render a catalog: OUT/feed.csv and OUT/images/. Run it again to go on after a stop."""
    require_renderer()
    from catalog.render.job import render_catalog  # noqa: PLC0415 -- lazy: geometry needs the extra

    started = time.monotonic()
    with console.status("trying the ray tracer"):
        notice = tracer().notice
    if notice:
        console.print(notice, style="yellow", soft_wrap=True, markup=False)
    with progress() as bar:
        task = bar.add_task("rendering", total=products * views)
        images = render_catalog(
            out,
            products=products,
            views=views,
            seed=seed,
            size=size,
            samples=samples,
            workers=workers or len(os.sched_getaffinity(0)),
            report=lambda count: bar.advance(task, count),
        )
    seconds = round(time.monotonic() - started, 1)
    console.print(f"{products} products, {images} pictures in {out}, {seconds} s")
    if as_json:
        emit_json({"products": products, "images": images, "seconds": seconds})
