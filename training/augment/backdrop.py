"""Another background behind the jewel: marble, wood, cloth, a coloured wall, a blurred room."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from training.augment.mask import cut_out

Size = tuple[int, int]
Field = npt.NDArray[np.float32]

_WOODS = ((148, 104, 68), (172, 128, 86), (132, 96, 72), (206, 172, 132))
_CLOTHS = ((112, 120, 146), (164, 92, 104), (98, 132, 122), (208, 198, 184), (128, 126, 130), (188, 160, 164))


def replace_background(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The jewel on another ground with the shadow it throws; the picture itself where it cannot be told.

    Args:
        image: RGB, a jewel before a plain studio background.
        rng: draws the ground.
    """
    cutting = cut_out(image)
    paint = _PAINTERS[int(rng.integers(len(_PAINTERS)))]
    ground = _levels(paint(image.size, rng))
    if cutting is None:
        return image
    # Off the jewel only light is kept: the new ground under the old shadows, and silver that mirrors it.
    lit = ground * cutting.light
    pixels = lit + (_levels(image) - lit) * cutting.jewel
    return Image.fromarray(np.clip(pixels * 255, 0, 255).astype(np.uint8))


def _clouds(size: Size, cells: int, rng: np.random.Generator, *, stretch: float = 1.0) -> Image.Image:
    """Soft grey noise of `cells` bumps a side; `stretch` draws it out sideways."""
    across = max(round(cells / stretch), 2)
    bumps = rng.integers(0, 256, (cells, across)).astype(np.uint8)
    return Image.fromarray(bumps).resize(size, Image.Resampling.BICUBIC)


def _levels(layer: Image.Image) -> Field:
    return np.asarray(layer).astype(np.float32) / np.float32(255)


def _coloured(base: tuple[int, int, int], shade: Field) -> Image.Image:
    pixels = shade[:, :, None] * np.array(base, float)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _marble(size: Size, rng: np.random.Generator) -> Image.Image:
    """White stone with grey veins: ridges where cloud noise crosses its middle."""
    veins = np.zeros((size[1], size[0]))
    for cells, weight in ((3, 0.5), (6, 0.3), (13, 0.2)):
        veins += weight * _levels(_clouds(size, cells, rng))
    ridge = np.clip(1 - np.abs(veins - 0.5) * float(rng.uniform(14, 26)), 0, 1) ** 2
    soft = _levels(_clouds(size, 5, rng)) * 0.05
    return _coloured((244, 243, 241), 1.0 - ridge * float(rng.uniform(0.15, 0.4)) - soft)


def _wood(size: Size, rng: np.random.Generator) -> Image.Image:
    """Boards: noise drawn out along the grain, in bands."""
    fine = _levels(_clouds(size, 160, rng, stretch=40))
    bands = _levels(_clouds(size, 9, rng, stretch=4))
    rings = np.abs((bands * float(rng.uniform(6, 12))) % 1.0 - 0.5)
    return _coloured(_WOODS[int(rng.integers(len(_WOODS)))], 0.82 + 0.22 * fine + 0.24 * rings)


def _cloth(size: Size, rng: np.random.Generator) -> Image.Image:
    """Velvet or linen: soft folds and a fine weave."""
    folds = _levels(_clouds(size, 4, rng))
    weave = _levels(Image.fromarray(rng.integers(0, 256, (size[1], size[0])).astype(np.uint8)))
    return _coloured(_CLOTHS[int(rng.integers(len(_CLOTHS)))], 0.62 + 0.55 * folds + 0.12 * weave)


def _wall(size: Size, rng: np.random.Generator) -> Image.Image:
    """A plain coloured paper with a fall of light."""
    base = rng.integers(90, 245, 3)
    grey = int(base.mean())
    pale = tuple(int(level) for level in (base + 2 * grey) // 3)
    return _coloured((pale[0], pale[1], pale[2]), 0.82 + 0.26 * _levels(_clouds(size, 2, rng)))


def _room(size: Size, rng: np.random.Generator) -> Image.Image:
    """A room far out of focus: large soft patches with round lights."""
    patches = rng.integers(100, 215, (4, 4, 1)) + rng.integers(-16, 17, (4, 4, 3))
    room = Image.fromarray(np.clip(patches, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    y, x = np.mgrid[0 : size[1], 0 : size[0]]
    glow = np.zeros((size[1], size[0]))
    for _ in range(int(rng.integers(2, 7))):
        radius = float(rng.uniform(0.03, 0.09)) * max(size)
        centre = rng.uniform(0, 1, 2) * np.array(size)
        far = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2)
        glow += np.clip((radius - far) / (0.2 * radius), 0, 1) * float(rng.uniform(20, 70))
    lit = np.asarray(room).astype(np.float32) + glow[:, :, None]
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


_PAINTERS: tuple[Callable[[Size, np.random.Generator], Image.Image], ...] = (
    _marble,
    _wood,
    _cloth,
    _wall,
    _room,
)
