"""One screen from a template: fragments around a scrolled page, overlays on top, boxes beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from training.screenshots.box import Box, BoxKind, upright
from training.screenshots.canvas import Canvas, Clip, intersect, rounded_mask
from training.screenshots.dice import choose, draw
from training.screenshots.element import Element
from training.screenshots.layout import lay_column
from training.screenshots.marks import Fill, Glyph, Laid, Line, Mark, Paste
from training.screenshots.node import Chance, settle_all
from training.screenshots.pictures import Pictures, area, backdrop, fit_picture, settle_any
from training.screenshots.template import Fragment, Template, fragments
from training.screenshots.theme import Theme

_OPAQUE = 0.5  # a fill from this opacity on hides what lies under it


@dataclass(slots=True)
class _Place:
    """A picture or overlay that was painted, before what covers it is known."""

    kind: BoxKind
    source: int
    whole: Clip
    shown: Clip
    order: int


@dataclass(slots=True)
class _Cover:
    """Something opaque, painted as number `order`."""

    edges: Clip
    order: int


class Screen:
    """Paints a template; `image` and `boxes` are what came out."""

    def __init__(
        self, template: Template, size: tuple[int, int], theme: Theme, chance: Chance, pictures: Pictures
    ):
        self._size = size
        self._chance = chance
        self._pictures = pictures
        self._canvas = Canvas(size, theme)
        self._places: list[_Place] = []
        self._covers: list[_Cover] = []
        self._order = 0
        self._paint(template)
        self.image: Image.Image = self._canvas.image
        self.boxes: tuple[Box, ...] = tuple(box for place in self._places if (box := self._box(place)))

    def _paint(self, template: Template) -> None:
        width, height = self._size
        rng = self._chance.content
        top = self._bars(template.top)
        bottom = self._bars(template.bottom)
        page: Clip = (0, round(top.height), width, height - round(bottom.height))
        chance = replace(self._chance, page=float(page[3] - page[1]))
        body = lay_column(settle_all(template.body, chance), width)
        scroll = min(
            draw(rng, template.scroll) * self._chance.scale, max(body.height - (page[3] - page[1]), 0.0)
        )
        marks = self._mirrored(body.moved(0, page[1] - scroll))
        settle_any([mark for mark in marks if isinstance(mark, Paste)], page, rng)
        self._put(marks, page)
        self._put(self._mirrored(top.marks), (0, 0, width, height))
        self._put(self._mirrored(bottom.moved(0, page[3])), (0, 0, width, height))
        for name, likely in template.overlays.items():
            if float(rng.random()) < likely:
                self._overlay(fragments()[name])

    def _bars(self, choices: tuple[tuple[str, ...], ...]) -> Laid:
        chosen = [choose(self._chance.content, names) for names in choices]
        elements: tuple[Element, ...] = ()
        for name in chosen:
            elements += fragments()[name].body if name else ()
        return lay_column(settle_all(elements, self._chance), self._size[0])

    def _overlay(self, fragment: Fragment) -> None:
        width, height = self._size
        chance = self._chance
        margin = draw(chance.style, fragment.margin) * chance.scale
        room = width * draw(chance.style, fragment.share) - 2 * margin
        if fragment.width is not None:
            room = min(draw(chance.style, fragment.width) * chance.scale, width - 2 * margin)
        laid = lay_column(settle_all(fragment.body, chance), room)
        x = margin + (width - laid.width - 2 * margin) * draw(chance.style, fragment.at[0])
        y = margin + (height - laid.height - 2 * margin) * draw(chance.style, fragment.at[1])
        dim = draw(chance.style, fragment.dim)
        if dim:
            self._canvas.dim(dim)
        whole = Fill(x, y, laid.width, laid.height)  # not painted: it only says where the overlay is
        _, *marks = self._mirrored([whole, *laid.moved(x, y)])
        screen: Clip = (0, 0, width, height)
        if shown := intersect(whole.edges(), screen):
            self._places.append(_Place("overlay", -1, whole.edges(), shown, 10**6))
        self._put(marks, screen)

    def _mirrored(self, marks: list[Mark]) -> list[Mark]:
        if self._chance.words.rtl:
            for mark in marks:
                mark.x = self._size[0] - mark.x - mark.width
        return marks

    def _put(self, marks: list[Mark], clip: Clip) -> None:
        self._canvas.clip = clip
        for mark in marks:
            self._order += 1
            if isinstance(mark, Fill):
                self._canvas.fill(mark)
                if mark.colour and mark.alpha >= _OPAQUE:
                    self._cover(mark.edges(), clip)
            elif isinstance(mark, Line):
                self._canvas.line(mark)
            elif isinstance(mark, Glyph):
                self._canvas.glyph(mark, mirrored=self._chance.words.rtl)
            elif isinstance(mark, Paste):
                self._picture(mark, clip)

    def _picture(self, mark: Paste, clip: Clip) -> None:
        edges = mark.edges()
        if intersect(edges, clip) is None:
            return
        width, height = edges[2] - edges[0], edges[3] - edges[1]
        if mark.of == "backdrop":
            self._canvas.paste(
                backdrop(self._pictures.choose("backdrop")[2] or self._canvas.image, width, height), edges
            )
            return
        kind, source, picture = self._pictures.choose(mark.of)
        if picture is None:  # no other product at hand: the grey box of a page that still loads
            self._canvas.fill(Fill(mark.x, mark.y, mark.width, mark.height, "line", 1.0, None, mark.radius))
            return
        cut, inner = fit_picture(picture, width, height, mark.fit)
        whole = (edges[0] + inner[0], edges[1] + inner[1], edges[0] + inner[2], edges[1] + inner[3])
        mask = rounded_mask(cut.width, cut.height, round(mark.radius)) if mark.radius >= 1 else None
        self._canvas.paste(cut, whole, mask)
        shown = intersect(whole, clip)
        if shown:
            self._places.append(_Place(kind, source, whole, shown, self._order))
            self._cover(whole, clip)

    def _cover(self, edges: Clip, clip: Clip) -> None:
        part = intersect(edges, clip)
        if part:
            self._covers.append(_Cover(part, self._order))

    def _box(self, place: _Place) -> Box | None:
        left, top, right, bottom = place.shown
        hidden = np.zeros((bottom - top, right - left), bool)
        for cover in self._covers:
            part = intersect(cover.edges, place.shown) if cover.order > place.order else None
            if part:
                hidden[part[1] - top : part[3] - top, part[0] - left : part[2] - left] = True
        seen = (area(place.shown) - int(np.count_nonzero(hidden))) / area(place.whole)
        if seen <= 0.0:
            return None
        return Box(place.kind, place.shown, self._size, seen, place.source, upright(place.shown))


def pick_size(
    template: Template, width: int | None, rng: np.random.Generator
) -> tuple[tuple[int, int], float]:
    """Size of the screen in pixels, and pixels a layout point; `width` replaces it and keeps the aspect."""
    wide, high = choose(rng, template.screens)
    points = draw(rng, template.points)
    if width is not None:
        high = max(round(high * width / wide), 1)
        wide = width
    return (wide, high), wide / points


def merge(over: Template, base: Template) -> Template:
    """`base` with the themes, scripts and effects that the template over it demands."""
    changes: Mapping[str, object] = {
        "themes": over.themes or base.themes,
        "scripts": over.scripts if "scripts" in over.model_fields_set else base.scripts,
        "effects": base.effects + over.effects,
    }
    return base.model_copy(update=dict(changes))
