"""A tuning run of six products on a tiny checkpoint, that a test may stop."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from training.pretrain.pictures import PictureSet, Source
from training.tune.recipe import TuneRecipe
from training.tune.run import tune
from training.tune.shots import Shots
from training.tune.stock import Stock, stock_of
from training.watching import read_log

Make = Callable[..., PictureSet]
MakeFeed = Callable[..., Path]
RECIPE = TuneRecipe(
    steps=6, products_each=4, learning_rate=1e-2, warmup=1, rank=4, seed=1, memory_after=2, mine_every=3
)


class Killed(Exception):
    pass


def image_size(checkpoint: Path) -> int:
    size: int = json.loads((checkpoint / "config.json").read_text())["vision_config"]["image_size"]
    return size


def stock(make: Make, size: int) -> Stock:
    pictures, shown = make(size=size), make(size=size, seed=5)
    sources = [Source(Path(f"{name}.png"), name, name, "") for name in pictures.products for _ in range(2)]
    rows = np.arange(len(sources))
    shots = Shots({"region": shown.pixels, "whole": shown.pixels[::-1].copy()}, rows, rows >= 0, None)
    return stock_of(replace(pictures, captions=tuple(f"ring {n % 4}" for n in range(6))), shots, sources)


def run(
    checkpoint: Path,
    make: Make,
    out: Path,
    stop_after: int | None = None,
    recipe: TuneRecipe = RECIPE,
    **options: Any,
) -> None:
    def on_step(step: int, loss: float) -> None:
        if step == stop_after:
            raise Killed

    shown = stock(make, image_size(checkpoint))
    tune(checkpoint, shown, recipe, out, pixel_rule="pad", save_every=2, on_step=on_step, **options)


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_log(out) if "loss" in line]
