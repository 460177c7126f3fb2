"""A shop of coloured shapes, drawn in a blink, that has everything a rendered catalog has."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.evaluate.encoder import Pixels, Vectors, unit
from training.trained_on import TrainedOn
from visionseek.pixels import Rule

COLUMNS = [
    "id", "title", "category", "metal", "stone", "shape", "setting", "prongs", "style", "shank", "chain",
    "image_link", "additional_image_link", "family", "varies", "views",
]  # fmt: skip
METALS = ("yellow gold", "white gold", "rose gold", "platinum")
STONES = ("ruby", "emerald", "sapphire", "diamond")


class ToyEncoder:
    """Mean colours of a grid of cells; texts by the letters they have, in the same number of dimensions."""

    def __init__(self, *, size: int | None = 32, reads_text: bool = True, cells: int = 4) -> None:
        self.name = "toy"
        self.size = size
        self.rule: Rule = "pad"
        self.trained_on: TrainedOn | None = None
        self.reads_text = reads_text
        self.cells = cells
        self.calls = 0

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        self.calls += 1
        side = self.cells * 8
        small = [np.asarray(Image.fromarray(p).resize((side, side)), dtype=np.float64) for p in pictures]
        grid = np.stack(small).reshape(len(small), self.cells, 8, self.cells, 8, 3).mean((2, 4))
        return unit(grid.reshape(len(small), -1) - 128.3, len(small), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.cells**2 * 3))
        for row, text in enumerate(texts):
            for letter in text:
                rows[row, ord(letter) % rows.shape[1]] += 1
        return unit(rows, len(texts), where=self.name)


def draw(path: Path, number: int, view: int) -> None:
    rng = np.random.default_rng(number)
    colours = [tuple(int(v) for v in rng.integers(0, 256, 3)) for _ in range(3)]
    picture = Image.new("RGB", (64, 64), (240, 240, 240))
    pen = ImageDraw.Draw(picture)
    shift = 3 * view
    pen.rectangle((6 + shift, 6, 34 + shift, 34), fill=colours[0])
    pen.ellipse((24, 20 + shift, 58, 52 + shift), fill=colours[1])
    pen.line((0, 60 - shift, 63, 40), fill=colours[2], width=4)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def write_shop(folder: Path, products: int, views: int = 4) -> Path:
    """`products` in families of two that differ in metal; view 2 is worn for even ones, else on marble."""
    rows = []
    for number in range(products):
        names = [f"images/p{number:03d}-{view}.png" for view in range(views)]
        for view, name in enumerate(names):
            draw(folder / name, number, view)
        worn = ("hand", "marble")[number % 2]
        rows.append(
            {
                "id": f"p{number:03d}",
                "title": f'Product {number} <b>&"bold"</b>',
                "category": ("ring", "necklace")[number // 2 % 2],
                "metal": METALS[number % 4],
                "stone": STONES[number // 2 % 4],
                "shape": "round",
                "setting": "4-prong",
                "prongs": "4",
                "style": "solitaire",
                "image_link": names[0],
                "additional_image_link": ",".join(names[1:]),
                "family": f"f{number // 2}",
                "varies": "metal",
                "views": ",".join(["studio", "studio", worn, "studio"][:views]),
            }
        )
    feed = folder / "feed.csv"
    with feed.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return feed


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a shop of 24 products with 4 pictures each."""
    folder = tmp_path_factory.mktemp("shop")
    write_shop(folder, 24)
    return folder


@pytest.fixture
def make_shop(tmp_path: Path) -> Callable[..., Path]:
    def make(products: int = 6, views: int = 4) -> Path:
        return write_shop(tmp_path / "shop", products, views).parent

    return make


@pytest.fixture(scope="session")
def toy() -> Callable[..., ToyEncoder]:
    return ToyEncoder
