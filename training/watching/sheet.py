"""A page of the pictures that a run is shown, as it is shown them."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from visionseek.files import write_atomically

TILE = 128
_GAP = 4
_LABEL = 15


def contact_sheet(
    pixels: Tensor, path: Path, *, labels: Sequence[str] = (), columns: int = 8, most: int = 64
) -> Path:
    """Write pictures as one PNG, so that a person sees what augmentation does before hours are spent on it.

    Args:
        pixels: float [B, 3, S, S] in 0..1, not normalised; values outside are clipped.
        path: of the PNG; written whole or not at all.
        labels: a line under each picture, such as its product; none where empty.
        columns: pictures a row.
        most: further pictures are left out.

    Raises:
        ValueError: `pixels` are not [B, 3, S, S], or there is no picture.
        OSError: the disk refused.
    """
    if pixels.ndim != 4 or pixels.shape[1] != 3 or not len(pixels):
        raise ValueError(f"pixels must be [B, 3, S, S] with a picture at least, not {list(pixels.shape)}")
    shown = pixels[:most].detach().float().clamp(0, 1).mul(255).round().permute(0, 2, 3, 1)
    tiles = shown.byte().cpu().numpy()
    columns = min(columns, len(tiles))
    line = TILE + _GAP + (_LABEL if labels else 0)
    rows = math.ceil(len(tiles) / columns)
    page = Image.new("RGB", (columns * (TILE + _GAP) + _GAP, rows * line + _GAP), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(10)
    for place, tile in enumerate(tiles):
        left, top = _GAP + place % columns * (TILE + _GAP), _GAP + place // columns * line
        picture = Image.fromarray(np.ascontiguousarray(tile))
        page.paste(picture.resize((TILE, TILE), Image.Resampling.BICUBIC), (left, top))
        if place < len(labels):
            draw.text((left, top + TILE + 1), labels[place][:22], (70, 70, 70), font)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())
    return path
