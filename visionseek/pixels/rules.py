"""From an upright picture to the encoder's square, by one of two rules, and to normalised floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from visionseek.vocabulary import Region

Rule: TypeAlias = Literal["shortest-crop", "pad"]
"""`shortest-crop` is Jina CLIP's published rule; `pad` keeps everything, chains stay whole."""

_BICUBIC = Image.Resampling.BICUBIC
# Above this ratio of sides the enlarged picture is not built whole: 1 x 50,000 pixels would take gigabytes.
_WHOLE_RATIO = 32


def square(
    picture: Image.Image, size: int, rule: Rule = "shortest-crop", region: Region | None = None
) -> npt.NDArray[np.uint8]:
    """Crop an upright RGB picture to a region and bring it to `size` x `size` by a rule.

    Args:
        picture: what `open_image` returns; other modes are converted to RGB.
        size: S, pixels a side, as the encoder's manifest says.
        rule: "shortest-crop": bicubic resize of the shorter side to S, the longer one to
            `floor(S * long / short)`, centre crop at `round((n - S) / 2)`, half to even (the published
            `preprocessor_config.json` with `resize_mode: shortest`). "pad": bicubic resize of the longer
            side to S, centred on white.
        region: a box in fractions of the picture, or None for all of it.

    Returns:
        uint8 [S, S, 3], RGB.

    Raises:
        ValueError: a size below 1 or a rule that does not exist.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    if rule not in get_args(Rule):
        raise ValueError(f"rule must be one of {', '.join(get_args(Rule))}, not {rule!r}")
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if region is not None:
        picture = picture.crop(_pixel_box(region, *picture.size))
    result = _shortest_crop(picture, size) if rule == "shortest-crop" else _pad(picture, size)
    return np.array(result, dtype=np.uint8)


def _pixel_box(region: Region, width: int, height: int) -> tuple[int, int, int, int]:
    # Outward to whole pixels: a region inside one pixel still holds it.
    return (
        math.floor(region.left * width),
        math.floor(region.top * height),
        max(math.ceil(region.right * width), math.floor(region.left * width) + 1),
        max(math.ceil(region.bottom * height), math.floor(region.top * height) + 1),
    )


def _shortest_crop(picture: Image.Image, size: int) -> Image.Image:
    width, height = picture.size
    short, long = min(width, height), max(width, height)
    longer = int(size * long / short)
    new_width, new_height = (size, longer) if width <= height else (longer, size)
    left, top = round((new_width - size) / 2), round((new_height - size) / 2)
    if long <= _WHOLE_RATIO * short:
        whole = picture.resize((new_width, new_height), _BICUBIC)
        return whole.crop((left, top, left + size, top + size))
    # The same samples, only those of the crop: the filter still sees the pixels around the box.
    across, down = width / new_width, height / new_height
    box = (left * across, top * down, (left + size) * across, (top + size) * down)
    return picture.resize((size, size), _BICUBIC, box=box)


def _pad(picture: Image.Image, size: int) -> Image.Image:
    width, height = picture.size
    scale = size / max(width, height)
    new_width, new_height = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = Image.new("RGB", (size, size), "white")
    canvas.paste(
        picture.resize((new_width, new_height), _BICUBIC), ((size - new_width) // 2, (size - new_height) // 2)
    )
    return canvas


def normalize(
    pixels: npt.NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]
) -> npt.NDArray[np.float32]:
    """Scale to 0..1, subtract `mean`, divide by `std`, channels first.

    Args:
        pixels: uint8 [..., S, S, 3].
        mean: of each channel, from the checkpoint's `preprocessor_config.json`.
        std: likewise.

    Returns:
        float32 [..., 3, S, S], contiguous.

    Raises:
        ValueError: pixels that are not uint8 [..., 3], or not three means and deviations.
    """
    if pixels.dtype != np.uint8 or pixels.ndim < 3 or pixels.shape[-1] != 3:
        raise ValueError(f"pixels must be uint8 [..., S, S, 3], not {pixels.dtype} {list(pixels.shape)}")
    centre, spread = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    if centre.shape != (3,) or spread.shape != (3,) or not (spread > 0).all():
        raise ValueError(f"mean and std must be three numbers each, std above 0: {mean}, {std}")
    scaled = (pixels.astype(np.float32) / np.float32(255) - centre) / spread
    return np.ascontiguousarray(np.moveaxis(scaled, -1, -3))
