"""What shoppers send: photographs of the catalog, and screenshots of them."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# Screens of common phones, in pixels.
_SCREENS = ((1080, 1920), (1080, 2340), (1170, 2532))


class NoPictures(Exception):
    """The folder has no picture to search with."""


@dataclass(frozen=True, slots=True)
class Query:
    """One picture to search with, ready to send."""

    name: str
    content: bytes
    media_type: str = "image/jpeg"


def find_pictures(folder: Path, limit: int) -> list[Path]:
    """Up to `limit` pictures of a folder, spread evenly over its sorted names.

    Raises:
        NoPictures: there are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not found:
        raise NoPictures(f"no picture in {folder}")
    step = max(1, len(found) // limit)
    return found[::step][:limit]


def photographs(paths: list[Path]) -> Iterator[Query]:
    """The catalog's own pictures, re-encoded as a phone's gallery would send them."""
    for path in paths:
        with Image.open(path) as picture:
            yield Query(f"photo of {path.name}", _jpeg(picture.convert("RGB"), 88))


def screenshots(paths: list[Path], seed: int) -> Iterator[Query]:
    """The pictures as a shopper meets them: in a page with bars and text around, compressed again.

    Args:
        paths: pictures of the catalog.
        seed: equal seeds give equal screenshots.
    """
    dice = random.Random(seed)  # noqa: S311 -- variety, not secrecy
    for path in paths:
        with Image.open(path) as picture:
            yield Query(
                f"screenshot of {path.name}", _jpeg(_page(picture.convert("RGB"), dice), dice.randint(55, 85))
            )


def _page(picture: Image.Image, dice: random.Random) -> Image.Image:
    """A phone's screen: status bar, the picture over the full width, lines of text, buttons."""
    width, height = dice.choice(_SCREENS)
    dark = dice.random() < 0.4
    paper, ink = ((18, 18, 18), (230, 230, 230)) if dark else ((255, 255, 255), (40, 40, 40))
    screen = Image.new("RGB", (width, height), paper)
    draw = ImageDraw.Draw(screen)
    draw.text((40, 20), f"{dice.randint(0, 23):02d}:{dice.randint(0, 59):02d}", fill=ink, font_size=36)
    draw.rectangle((width - 120, 26, width - 50, 56), outline=ink, width=4)
    margin = dice.choice((0, 0, 24, 48))
    side = width - 2 * margin
    shown = picture.resize(
        (side, max(1, round(side * picture.height / picture.width))), Image.Resampling.BILINEAR
    )
    top = dice.randint(90, 260)
    screen.paste(shown, (margin, top))
    below = top + shown.height + 30
    for line in range(dice.randint(2, 6)):
        length = dice.randint(width // 4, width - 160)
        draw.rounded_rectangle((60, below + 54 * line, 60 + length, below + 54 * line + 26), 12, fill=ink)
    draw.rounded_rectangle((60, height - 190, width - 60, height - 90), 30, fill=(200, 60, 60))
    return screen


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()
