from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from training.pretrain.pictures import PictureSet

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"


@pytest.fixture
def checkpoint() -> Path:
    """A tiny checkpoint in the published format."""
    return ASSETS / "v1_a"


@pytest.fixture
def make_pictures() -> Callable[..., PictureSet]:
    def make(products: int = 6, each: int = 2, size: int = 32, seed: int = 0) -> PictureSet:
        rng = np.random.default_rng(seed)
        base = rng.integers(0, 256, (products, 1, 4, 4, 3))
        noise = rng.integers(-20, 20, (products, each, size, size, 3))
        blocks = np.kron(base, np.ones((1, 1, size // 4, size // 4, 1), int))
        return PictureSet(
            pixels=np.clip(blocks + noise, 0, 255).reshape(-1, size, size, 3).astype(np.uint8),
            labels=np.repeat(np.arange(products), each),
            families=np.arange(products) // 2,
            products=tuple(f"p{number}" for number in range(products)),
            captions=("",) * products,
            skipped=(),
        )

    return make


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of a tiny model wait for each other longer than they work, where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_feed() -> Callable[..., Path]:
    def make(folder: Path, products: int = 16, views: tuple[str, ...] = ("studio",)) -> Path:
        rng = np.random.default_rng(0)
        rows = ["id,title,image_link,additional_image_link,family,views"]
        for number in range(products):
            names = [f"{number}-{place}.png" for place in range(len(views))]
            blocks = rng.integers(0, 256, (6, 6, 3))
            for place, name in enumerate(names):
                pixels = np.kron(np.roll(blocks, place, 0), np.ones((12, 12, 1), int)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / name)
            further = ",".join(names[1:])
            rows.append(f'p{number},Ring {number},{names[0]},"{further}",f{number},"{",".join(views)}"')
        path = folder / "feed.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    return make
