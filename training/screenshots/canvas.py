"""Paints marks on a picture with smooth edges."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

from training.screenshots.icon import DIRECTED, icon_mask
from training.screenshots.marks import Fill, Glyph, Line
from training.screenshots.theme import Colour, Theme

_SMOOTH = 4
Clip = tuple[int, int, int, int]


class Canvas:
    """A screen being painted in one theme; everything is cut to `clip`."""

    def __init__(self, size: tuple[int, int], theme: Theme) -> None:
        self.image = Image.new("RGB", size, theme.colour("page"))
        self.clip: Clip = (0, 0, *size)
        self._theme = theme
        self._draw = ImageDraw.Draw(self.image)

    def fill(self, mark: Fill) -> None:
        """A box with a plain colour or gradient, rounded, maybe translucent, maybe with a border."""
        edges = mark.edges()
        visible = intersect(edges, self.clip)
        if visible is None:
            return
        if mark.colour is None:
            self._border(edges, mark)
            return
        start, _, end = mark.colour.partition(">")
        if mark.radius < 1 and mark.alpha >= 1 and not end:
            self.image.paste(self._theme.colour(start), visible)
        else:
            width, height = edges[2] - edges[0], edges[3] - edges[1]
            mask = rounded_mask(width, height, round(mark.radius))
            if mark.alpha < 1:
                mask = mask.point([round(level * mark.alpha) for level in range(256)])
            inks = self._theme.colour(start), self._theme.colour(end or start)
            patch = _gradient((width, height), *inks) if end else Image.new("RGB", (width, height), inks[0])
            self.paste(patch, edges, mask)
        if mark.outline:
            self._border(edges, mark)

    def paste(self, patch: Image.Image, edges: Clip, mask: Image.Image | None = None) -> None:
        """A picture of the size of `edges`, cut to the clip."""
        visible = intersect(edges, self.clip)
        if visible is None:
            return
        if visible != edges:
            part = (
                visible[0] - edges[0],
                visible[1] - edges[1],
                visible[2] - edges[0],
                visible[3] - edges[1],
            )
            patch = patch.crop(part)
            mask = mask.crop(part) if mask else None
        self.image.paste(patch, visible[:2], mask)

    def line(self, mark: Line) -> None:
        """One line of text."""
        left, top, right, bottom = self.clip
        if mark.lettering is None or not mark.text or mark.y < top or mark.y + mark.height > bottom + 1:
            return
        if mark.x > right or mark.x + mark.width < left:
            return
        ascent, descent = mark.lettering.metrics()
        baseline = mark.y + (mark.height - ascent - descent) / 2 + ascent
        mark.lettering.draw(self._draw, (mark.x, baseline), mark.text, self._theme.colour(mark.colour))

    def glyph(self, mark: Glyph, *, mirrored: bool) -> None:
        """An icon; those that point somewhere are mirrored on screens that run from right to left."""
        left, top, right, bottom = edges = mark.edges()
        mask = icon_mask(mark.icon, right - left, filled=mark.filled)
        if mask.size != (right - left, bottom - top):
            edges = (left, top, left + mask.width, top + mask.height)
        if mirrored and mark.icon in DIRECTED:
            mask = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        self.paste(Image.new("RGB", mask.size, self._theme.colour(mark.colour)), edges, mask)

    def dim(self, amount: float) -> None:
        """Darken everything painted so far by `amount`, 0 to 1."""
        self.image = self.image.point([round(level * (1 - amount)) for level in range(256)] * 3)
        self._draw = ImageDraw.Draw(self.image)

    def _border(self, edges: Clip, mark: Fill) -> None:
        width, height = edges[2] - edges[0], edges[3] - edges[1]
        ink = self._theme.colour(mark.outline or "line")
        thick = max(round(width / 400), 1)
        ring = rounded_mask(width, height, round(mark.radius)).copy()
        if width > 2 * thick and height > 2 * thick:
            hole = rounded_mask(width - 2 * thick, height - 2 * thick, max(round(mark.radius) - thick, 0))
            ring.paste(0, (thick, thick), hole)
        self.paste(Image.new("RGB", (width, height), ink), edges, ring)


def intersect(one: Clip, other: Clip) -> Clip | None:
    """The part that two rectangles share, or None."""
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


@lru_cache(maxsize=96)
def rounded_mask(width: int, height: int, radius: int) -> Image.Image:
    """A filled rounded rectangle as an `L` mask; shared, so copy it before drawing on it."""
    mask = Image.new("L", (max(width, 1), max(height, 1)), 255)
    radius = min(radius, width // 2, height // 2)
    if radius < 1:
        return mask
    side = 2 * radius * _SMOOTH
    disc = Image.new("L", (side, side))
    ImageDraw.Draw(disc).ellipse((0, 0, side - 1, side - 1), fill=255)
    disc = disc.reduce(_SMOOTH)
    for x, left in ((0, 0), (radius, width - radius)):
        for y, top in ((0, 0), (radius, height - radius)):
            mask.paste(disc.crop((x, y, x + radius, y + radius)), (left, top))
    return mask


def _gradient(size: tuple[int, int], top: Colour, bottom: Colour) -> Image.Image:
    ramp = Image.linear_gradient("L").resize(size)
    return Image.composite(Image.new("RGB", size, bottom), Image.new("RGB", size, top), ramp)
