import numpy as np
import pytest
from PIL import Image, ImageDraw


def jewel(colour: tuple[int, int, int], side: int = 240) -> Image.Image:
    """A ring on a studio background."""
    picture = Image.new("RGB", (side, side), (238, 237, 240))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((side * 0.2, side * 0.3, side * 0.8, side * 0.9), outline=(190, 160, 80), width=side // 20)
    draw.ellipse((side * 0.38, side * 0.12, side * 0.62, side * 0.36), fill=colour)
    return picture


@pytest.fixture(scope="session")
def ring() -> Image.Image:
    return jewel((40, 80, 200))


@pytest.fixture(scope="session")
def others() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    return [jewel((int(r), int(g), int(b))) for r, g, b in rng.integers(0, 255, (10, 3))]
