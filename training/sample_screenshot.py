"""The screenshot beside the sample catalog: `python -m training.sample_screenshot catalog/sample`.

A phone with a shop's page that shows one product of the sample; the box of the product is written beside it,
so that a demonstration can search with it as it is, and with the region given.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

from PIL import Image

from training.screenshots import simulate
from visionseek.errors import InputError
from visionseek.files import write_atomically

TEMPLATE = "mobile-product"
SEED = 5


def write_screenshot(folder: Path) -> dict[str, object]:
    """Write `screenshot.jpg` and `screenshot.json` into a catalog's folder.

    The product is the first halo ring of the feed: a piece on which a wrong neighbour is seen at a glance.

    Returns:
        What the JSON file holds: `product_id` and `region` (left, top, right, bottom in fractions).

    Raises:
        InputError: no feed, or none of its products can be shown.
    """
    feed = folder / "feed.csv"
    if not feed.is_file():
        raise InputError("no feed.csv", where=str(folder), mend="make sample")
    with feed.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    chosen = next((row for row in rows if row["setting"] == "halo" and row["category"] == "ring"), rows[0])
    others = [row for row in rows if row["category"] == "ring" and row["family"] != chosen["family"]][:8]
    shot = simulate(
        _picture(folder, chosen["image_link"]),
        seed=SEED,
        template=TEMPLATE,
        others=[_picture(folder, row["image_link"]) for row in others],
        views=[_picture(folder, link) for link in chosen["additional_image_link"].split(",") if link],
        script="latin",
        theme=None,
        title=chosen["title"],
        price=f"${float(chosen['price']):,.0f}",
    )
    region = shot.product.region
    found: dict[str, object] = {
        "product_id": chosen["id"],
        "region": [round(edge, 4) for edge in (region.left, region.top, region.right, region.bottom)],
    }
    write_atomically(folder / "screenshot.jpg", shot.jpeg(84))
    write_atomically(folder / "screenshot.json", (json.dumps(found) + "\n").encode())
    return found


def _picture(folder: Path, link: str) -> Image.Image:
    with Image.open(folder / link) as picture:
        return picture.convert("RGB")


if __name__ == "__main__":
    write_screenshot(Path(sys.argv[1]))
