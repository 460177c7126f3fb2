"""Contact sheets: a page of samples a slice, for a person to look at."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

TILE = 150
COLUMNS = 8
_LABEL = 16


def contact_sheet(title: str, rows: Sequence[tuple[str, Sequence[Image.Image]]]) -> bytes:
    """A PNG with a line of pictures a value.

    Args:
        title: at the top.
        rows: value and its pictures; more than eight a value are left out.
    """
    height = 28 + len(rows) * (TILE + _LABEL + 6)
    page = Image.new("RGB", (COLUMNS * (TILE + 4) + 8, height), "white")
    draw = ImageDraw.Draw(page)
    draw.text((8, 6), title, "black", ImageFont.load_default(15))
    y = 28
    for value, pictures in rows:
        draw.text((8, y), value, (70, 70, 70), ImageFont.load_default(12))
        for place, picture in enumerate(pictures[:COLUMNS]):
            small = picture.copy()
            small.thumbnail((TILE, TILE), Image.Resampling.BICUBIC)
            page.paste(small, (8 + place * (TILE + 4), y + _LABEL))
        y += TILE + _LABEL + 6
    out = io.BytesIO()
    page.save(out, "PNG")
    return out.getvalue()
