"""A picture as it is put to an encoder: a file, or a simulated screenshot of a file, whole or its region."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from training.screenshots import Screenshot, simulate
from training.screenshots.template import templates
from visionseek.errors import InputError
from visionseek.pixels import open_image
from visionseek.vocabulary import Region

JPEG_QUALITY = (70, 92)
# A shopper marks what can be seen: a product that a banner hides is drawn again.
MIN_VISIBLE = 0.6
_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Shot:
    """A screenshot that shows a picture; equal shots are equal bytes.

    Attributes:
        seed: of template, texts, places and JPEG quality.
        others: pictures of other products around it.
    """

    seed: int
    others: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A picture to embed.

    Attributes:
        path: the picture.
        shot: the screenshot that shows it; None for the picture itself.
        cropped: only the product's box of the screenshot, as a shopper would mark it.
    """

    path: Path
    shot: Shot | None = None
    cropped: bool = False

    def open(self) -> Image.Image:
        """The picture as upright RGB.

        Raises:
            InputError: it cannot be read, or is too small for a screenshot.
        """
        if self.shot is None:
            return open_image(self.path)
        data, region, _ = screenshot(self.path, self.shot)
        picture = open_image(data)
        if not self.cropped:
            return picture
        width, height = picture.size
        left, top = round(region.left * width), round(region.top * height)
        return picture.crop((left, top, round(region.right * width), round(region.bottom * height)))


# The whole and the cropped look of one screenshot follow each other.
@lru_cache(maxsize=2)
def screenshot(path: Path, shot: Shot) -> tuple[bytes, Region, str]:
    """The screenshot as JPEG, the box of the product in it, and the template it was made from.

    Raises:
        InputError: a picture cannot be read or is too small.
    """
    picture, others = open_image(path), [open_image(other) for other in shot.others]
    known = templates()
    weights = np.array([template.weight for template in known.values()])
    rng = np.random.default_rng(shot.seed)
    for _ in range(_ATTEMPTS):
        name = str(rng.choice(list(known), p=weights / weights.sum()))
        made: Screenshot = simulate(picture, seed=int(rng.integers(2**31)), template=name, others=others)
        if made.product.visible >= MIN_VISIBLE:
            quality = int(rng.integers(JPEG_QUALITY[0], JPEG_QUALITY[1] + 1))
            return made.jpeg(quality), made.product.region, made.template
    raise InputError(f"no screenshot shows {MIN_VISIBLE:.0%} of this picture", where=str(path))
