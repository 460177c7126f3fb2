import numpy as np
import pytest
from PIL import Image, ImageDraw


@pytest.fixture(scope="session")
def ring() -> Image.Image:
    """A gold ring with a blue stone on a studio background that falls off a little."""
    ground = Image.fromarray(np.array([[246, 243], [238, 232]], np.uint8)).resize(
        (200, 200), Image.Resampling.BILINEAR
    )
    picture = Image.merge("RGB", [ground] * 3)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((50, 70, 150, 170), outline=(196, 158, 70), width=12)
    draw.ellipse((78, 40, 122, 84), fill=(40, 70, 200))
    return picture
