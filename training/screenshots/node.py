"""Elements after chance has decided: every range a number of pixels, every text chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from training.screenshots.dice import draw, draw_count
from training.screenshots.element import Element
from training.screenshots.fonts import Face
from training.screenshots.lettering import Lettering
from training.screenshots.words import Words


@dataclass(slots=True)
class Node:
    """An element with its numbers in pixels; the meaning of each field is the element's."""

    element: Element
    width: float | None
    share: float | None
    height: float
    pad: tuple[float, float, float, float]
    gap: float
    alpha: float
    radius: float
    at: tuple[float, float]
    aspect: float
    size: float
    columns: int = 1
    text: str = ""
    lettering: Lettering | None = None
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Chance:
    """What a screen is drawn with.

    Attributes:
        scale: pixels a layout point.
        style: decides lengths; the cells of a grid restart it, so that they are alike.
        content: decides texts and what is there at all.
        words: texts of the script.
        faces: `body` and `heading`.
        given: texts that the caller fixed, by key.
        page: height in pixels of the part between the bars, once they are known.
    """

    scale: float
    style: np.random.Generator
    content: np.random.Generator
    words: Words
    faces: Mapping[str, Face]
    given: Mapping[str, str]
    page: float = 0.0


def settle(element: Element, chance: Chance) -> Node | None:
    """Decide one element and all inside it; None where its own chance left it out."""
    if element.chance < 1.0 and float(chance.content.random()) >= element.chance:
        return None
    style, scale = chance.style, chance.scale
    pad = element.pad
    sides = (
        [draw(style, side) * scale for side in pad]
        if isinstance(pad, list)
        else [draw(style, pad) * scale] * 4
    )
    node = Node(
        element=element,
        width=None if element.width is None else draw(style, element.width) * scale,
        share=None if element.share is None else draw(style, element.share),
        height=chance.page if element.screen else draw(style, element.height) * scale,
        pad=(sides[0], sides[1], sides[2], sides[3]),
        gap=draw(style, element.gap) * scale,
        alpha=draw(style, element.alpha),
        radius=draw(style, element.radius) * scale,
        at=(draw(style, element.at[0]), draw(style, element.at[1])),
        aspect=draw(style, element.aspect),
        size=draw(style, element.size) * scale,
    )
    if element.text is not None:
        key = element.text
        node.text = chance.given[key] if key in chance.given else chance.words.say(key, chance.content)
        if key == "product_price":
            chance.words.note_price(node.text)
        node.lettering = chance.faces[element.face].lettering(
            round(node.size), bold=element.bold, rtl=chance.words.rtl
        )
    if element.kind == "grid":
        node.columns = draw_count(style, element.columns)
        node.children = _copies(element.children[0], node.columns * draw_count(style, element.rows), chance)
    else:
        for child in element.children:
            node.children += _copies(child, draw_count(chance.content, child.repeat), chance)
    return node


def settle_all(elements: tuple[Element, ...], chance: Chance) -> list[Node]:
    """Decide a list of elements, such as the body of a page."""
    return [
        node
        for child in elements
        for node in _copies(child, draw_count(chance.content, child.repeat), chance)
    ]


def _copies(element: Element, count: int, chance: Chance) -> list[Node]:
    if count == 1:
        node = settle(element, chance)
        return [] if node is None else [node]
    seed = int(chance.style.integers(2**32))
    copies = []
    for _ in range(count):
        alike = replace(chance, style=np.random.Generator(np.random.PCG64(seed)))
        node = settle(element, alike)
        if node is not None:
            copies.append(node)
    return copies
