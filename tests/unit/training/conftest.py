from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

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
