"""Nodes to marks: columns stack, rows share their width, grids repeat, layers overlap."""

from __future__ import annotations

from collections.abc import Callable

from training.screenshots.marks import Fill, Glyph, Laid, Line, Mark, Paste
from training.screenshots.node import Node

_LEADING = 1.34  # line height over letter size, as browsers set body text
_SHIFT = {"start": 0.0, "center": 0.5, "end": 1.0}
_NATURAL = ("text", "icon", "stars")


def lay(node: Node, room: float, *, natural: bool = False) -> Laid:
    """Lay a node out at the origin.

    Args:
        node: what to lay out.
        room: width in pixels that its parent offers.
        natural: inside a row: take no more width than the content needs.
    """
    top, right, bottom, left = node.pad
    given = node.width if node.width is not None else None if node.share is None else node.share * room
    limit = room if given is None else min(given, room)
    inside = max(limit - left - right, 1.0)
    content = _LAYOUTS[node.element.kind](node, inside)
    shrink = node.element.shrink or (natural and node.element.kind in _NATURAL)
    width = content.width + left + right if given is None and shrink else limit
    height = max(content.height + top + bottom, node.height)
    spare_x = width - left - right - content.width
    spare_y = height - top - bottom - content.height
    marks: list[Mark] = []
    if node.element.fill or node.element.outline:
        marks.append(
            Fill(
                0,
                0,
                width,
                height,
                node.element.fill,
                node.alpha,
                node.element.outline,
                min(node.radius, height / 2),
            )
        )
    centred = spare_y / 2 if node.element.kind in ("row", *_NATURAL) else 0.0
    # A row spends its spare width itself, by `justify`; its `align` is across.
    aside = 0.0 if node.element.kind == "row" else spare_x * _SHIFT[node.element.align]
    marks += content.moved(left + aside, top + centred)
    return Laid(width, height, marks)


def lay_column(
    nodes: list[Node], room: float, gap: float = 0.0, align: str = "start", *, natural: bool = False
) -> Laid:
    """Stack nodes from top to bottom."""
    placed = [lay(node, room, natural=natural) for node in nodes]
    width = max((box.width for box in placed), default=0.0)
    marks: list[Mark] = []
    y = 0.0
    for box in placed:
        marks += box.moved((width - box.width) * _SHIFT[align], y)
        y += box.height + gap
    return Laid(width, max(y - gap, 0.0), marks)


def _column(node: Node, inside: float) -> Laid:
    return lay_column(node.children, inside, node.gap, node.element.align, natural=node.element.shrink)


def _row(node: Node, inside: float) -> Laid:
    left = inside - node.gap * max(len(node.children) - 1, 0)
    boxes: list[Laid | None] = []
    for child in node.children:
        box = None if child.element.grow else lay(child, max(left, 1.0), natural=True)
        if (
            box is not None and child.share is not None
        ):  # a share is of the whole row, not of what is left of it
            box = lay(child, inside, natural=True)
        left -= box.width if box else 0.0
        boxes.append(box)
    growing = sum(box is None for box in boxes)
    laid = [
        box or lay(child, max(left / growing, 1.0)) for box, child in zip(boxes, node.children, strict=True)
    ]
    spare = 0.0 if growing else max(left, 0.0)
    height = max((box.height for box in laid), default=0.0)
    between, x = node.gap, 0.0
    justify = node.element.justify
    if justify == "between" and len(laid) > 1:
        between += spare / (len(laid) - 1)
    elif justify == "even" and laid:
        x = spare / len(laid) / 2
        between += spare / len(laid)
    elif justify in ("center", "end"):
        x = spare * _SHIFT[justify]
    marks: list[Mark] = []
    vertical = 0.0 if node.element.align == "start" else _SHIFT[node.element.align]
    for box in laid:
        marks += box.moved(x, (height - box.height) * vertical)
        x += box.width + between
    return Laid(max(x - between, 0.0) if justify == "start" else inside, height, marks)


def _grid(node: Node, inside: float) -> Laid:
    width = (inside - node.gap * (node.columns - 1)) / node.columns
    marks: list[Mark] = []
    y = 0.0
    for start in range(0, len(node.children), node.columns):
        boxes = [lay(child, width) for child in node.children[start : start + node.columns]]
        for column, box in enumerate(boxes):
            marks += box.moved(column * (width + node.gap), y)
        y += max(box.height for box in boxes) + node.gap
    return Laid(inside, max(y - node.gap, 0.0), marks)


def _layers(node: Node, inside: float) -> Laid:
    if not node.children:
        return Laid(0.0, 0.0, [])
    base = lay(node.children[0], inside)
    for child in node.children[1:]:
        box = lay(child, base.width, natural=True)
        base.marks += box.moved(
            (base.width - box.width) * child.at[0], (base.height - box.height) * child.at[1]
        )
    return base


def _text(node: Node, inside: float) -> Laid:
    assert node.lettering is not None
    length = node.lettering.length
    lines = _wrap(node.text, length, inside, node.element.lines)
    widths = [length(line) for line in lines]
    width = max(widths, default=0.0)
    step = node.size * _LEADING
    shift = _SHIFT[node.element.align]
    marks: list[Mark] = [
        Line((width - own) * shift, row * step, own, step, line, node.lettering, node.element.colour)
        for row, (line, own) in enumerate(zip(lines, widths, strict=True))
    ]
    return Laid(width, step * len(lines), marks)


def _wrap(text: str, length: Callable[[str], float], room: float, most: int) -> list[str]:
    if length(text) <= room:
        return [text] if text else []
    words = text.split(" ")
    joint = " " if len(words) > 2 else ""  # Chinese breaks anywhere
    words = words if joint else list(text)
    lines: list[str] = []
    line = ""
    for word in words:
        longer = f"{line}{joint}{word}" if line else word
        if length(longer) <= room or not line:
            line = longer
        else:
            lines.append(line)
            line = word
    lines.append(line)
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] += "..."
    if length(lines[-1]) > room:
        lines[-1] = _cut(lines[-1].removesuffix("..."), length, room)
    return lines


def _cut(text: str, length: Callable[[str], float], room: float) -> str:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if length(text[:middle] + "...") <= room else (low, middle - 1)
    return text[:low].rstrip() + "..." if low else ""


def _picture(node: Node, inside: float) -> Laid:
    height = node.height or inside / node.aspect
    of, fit = node.element.of, node.element.fit
    assert of is not None
    return Laid(inside, height, [Paste(0, 0, inside, height, of, fit, min(node.radius, height / 2))])


def _icon(node: Node, inside: float) -> Laid:
    del inside
    assert node.element.icon is not None
    mark = Glyph(0, 0, node.size, node.size, node.element.icon, node.element.colour, node.element.filled)
    return Laid(node.size, node.size, [mark])


def _stars(node: Node, inside: float) -> Laid:
    del inside
    marks: list[Mark] = [
        Glyph(
            n * node.size * 1.1,
            0,
            node.size,
            node.size,
            "star",
            node.element.colour,
            n < 4 or node.element.filled,
        )
        for n in range(5)
    ]
    return Laid(node.size * 5.4, node.size, marks)


def _space(node: Node, inside: float) -> Laid:
    return Laid(inside, node.height, [])


_LAYOUTS: dict[str, Callable[[Node, float], Laid]] = {
    "column": _column,
    "row": _row,
    "grid": _grid,
    "layers": _layers,
    "text": _text,
    "picture": _picture,
    "icon": _icon,
    "stars": _stars,
    "space": _space,
}
