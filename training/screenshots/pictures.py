"""The pictures on a screen: which picture goes where, and cut to its place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from training.screenshots.box import BoxKind
from training.screenshots.canvas import Clip, intersect
from training.screenshots.marks import Paste

_GAP = 1.2  # how much larger than needed a quick whole-number reduction may leave a picture
_WHOLE = 0.9  # a place counts as fully on the screen from here on
_SKIN = ((244, 214, 190), (224, 180, 150), (190, 136, 102), (141, 94, 66), (96, 63, 45))
_CLOTH = ((92, 108, 130), (168, 120, 128), (120, 140, 116), (60, 62, 70), (196, 172, 138), (140, 122, 160))


class Pictures:
    """The product, its other views and its neighbours, handed out place by place."""

    def __init__(
        self,
        product: Image.Image,
        views: Sequence[Image.Image],
        others: Sequence[Image.Image],
        rng: np.random.Generator,
    ) -> None:
        self._product = product
        self._views = views
        self._others = others
        self._order = [int(n) for n in rng.permutation(len(others))]
        self._rng = rng
        self._next_other = 0
        self._next_view = 0

    def choose(self, of: str) -> tuple[BoxKind, int, Image.Image | None]:
        """Kind, index and picture for a place that wants `of`; no picture where there is no other product."""
        if of in ("product", "backdrop"):
            return "product", -1, self._product
        if of in ("view", "same"):
            if of == "same" or not self._views:
                return "view", -1, self._product
            self._next_view += 1
            at = (self._next_view - 1) % len(self._views)
            return "view", at, self._views[at]
        if of == "portrait":
            return "portrait", -1, portrait(int(self._rng.integers(60)))
        if not self._order:
            return "other", -1, None
        at = self._order[self._next_other % len(self._order)]
        self._next_other += 1
        return "other", at, self._others[at]


def settle_any(places: list[Paste], view: Clip, rng: np.random.Generator) -> None:
    """Of the places for `any` product, one well on the screen is the product's; others get the rest."""
    free = [place for place in places if place.of == "any"]
    if not free:
        return
    shown = [_shown(place, view) for place in free]
    best = max(shown)
    good = [place for place, part in zip(free, shown, strict=True) if part >= min(_WHOLE, best)]
    chosen = good[int(rng.integers(len(good)))]
    for place in free:
        place.of = "product" if place is chosen else "other"


def fit_picture(picture: Image.Image, width: int, height: int, fit: str) -> tuple[Image.Image, Clip]:
    """The picture resized for a place, and where it lies in it.

    Args:
        picture: RGB.
        width: of the place, pixels.
        height: of the place.
        fit: `cover` cuts the picture at its middle to the place's aspect, `contain` shows it whole.
    """
    scale_x, scale_y = width / picture.width, height / picture.height
    if fit == "contain":
        scale = min(scale_x, scale_y)
        size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        whole = picture.resize(size, Image.Resampling.BICUBIC, reducing_gap=_GAP)
        return whole, (left, top, left + size[0], top + size[1])
    scale = max(scale_x, scale_y)
    inner_x, inner_y = min(width / scale, picture.width), min(height / scale, picture.height)
    left_f, top_f = (picture.width - inner_x) / 2, (picture.height - inner_y) / 2
    source = (left_f, top_f, left_f + inner_x, top_f + inner_y)
    cut = picture.resize((width, height), Image.Resampling.BICUBIC, box=source, reducing_gap=_GAP)
    return cut, (0, 0, width, height)


def backdrop(picture: Image.Image, width: int, height: int) -> Image.Image:
    """A blurred, darkened enlargement, as stories lay behind a shared picture."""
    small, _ = fit_picture(picture, 24, max(round(24 * height / width), 1), "cover")
    soft = small.filter(ImageFilter.GaussianBlur(2)).point([round(level * 0.72) for level in range(256)] * 3)
    return soft.resize((width, height), Image.Resampling.BICUBIC)


@lru_cache(maxsize=64)
def portrait(number: int) -> Image.Image:
    """A small person: head and shoulders before a plain wall; 60 different ones."""
    rng = np.random.Generator(np.random.PCG64(number))
    wall = tuple(int(level) for level in rng.integers(120, 235, 3))
    picture = Image.new("RGB", (96, 96), wall)
    draw = ImageDraw.Draw(picture)
    skin = _SKIN[int(rng.integers(len(_SKIN)))]
    hair = tuple(int(level) for level in rng.integers(18, 120) * np.array([1.0, 0.8, 0.62]))
    cloth = _CLOTH[int(rng.integers(len(_CLOTH)))]
    long = int(rng.integers(14, 40))
    draw.ellipse((25, 13, 71, 58 + long), fill=hair)
    draw.ellipse((14, 68, 82, 134), fill=cloth)
    draw.rectangle((42, 56, 54, 74), fill=tuple(int(level * 0.9) for level in skin))
    draw.ellipse((31, 22, 65, 65), fill=skin)
    draw.pieslice((28, 14, 68, 52), 180, 360, fill=hair)
    return picture.filter(ImageFilter.GaussianBlur(1.4))


def _shown(place: Paste, view: Clip) -> float:
    edges = place.edges()
    inside = intersect(edges, view)
    return area(inside) / max(area(edges), 1) if inside else 0.0


def area(clip: Clip) -> int:
    """Pixels inside."""
    return (clip[2] - clip[0]) * (clip[3] - clip[1])
