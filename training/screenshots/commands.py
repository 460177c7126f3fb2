"""`visionseek train screenshot`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from training.pretrain.pictures import feed_sources
from training.screenshots.simulate import simulate
from visionseek import output
from visionseek.errors import NotFound
from visionseek.files import write_atomically
from visionseek.pixels import open_image


@click.command()
@click.argument("feed", type=click.Path(path_type=Path))
@click.option("--product", help="Id of the product; default: the feed's first.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The JPEG to write."
)
@click.option("--template", help="A template or a set of templates; default: any.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--quality", type=click.IntRange(1, 100), default=88, show_default=True, help="Of the JPEG.")
@output.json_option
def screenshot(
    feed: Path, product: str | None, out: Path, template: str | None, seed: int, quality: int, as_json: bool
) -> None:
    """Simulate a screenshot of a product of FEED, other products around it.

    Beside the JPEG goes a JSON file with the product's id, its box in fractions of width and height, and the
    boxes of everything else.
    """
    sources = feed_sources(feed, views=1)
    chosen = next((source for source in sources if product is None or source.product == product), None)
    if chosen is None:
        raise NotFound(f"no product {product!r} in this feed", where=str(feed))
    views = [source for source in feed_sources(feed) if source.product == chosen.product]
    others = [source for source in sources if source.product != chosen.product][:24]
    shot = simulate(
        open_image(chosen.path),
        seed=seed,
        template=template,
        others=[open_image(source.path) for source in others],
        views=[open_image(source.path) for source in views[1:]],
        title=chosen.caption or None,
    )
    region = shot.product.region
    described = {
        "product_id": chosen.product,
        "region": [round(edge, 5) for edge in (region.left, region.top, region.right, region.bottom)],
        "template": shot.template,
        "script": shot.script,
        "seed": seed,
        "boxes": [
            {"kind": box.kind, "pixels": box.pixels, "visible": round(box.visible, 3)} for box in shot.boxes
        ],
    }
    write_atomically(out, shot.jpeg(quality))
    write_atomically(out.with_suffix(".json"), (json.dumps(described, indent=2) + "\n").encode())
    output.console.print(f"{out}: {shot.template}, {len(shot.boxes)} boxes", soft_wrap=True)
    if as_json:
        output.emit_json(described | {"out": str(out)})
