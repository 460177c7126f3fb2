"""What a template is made of: boxes with ranges, before chance decides.

Lengths are layout points (a phone is about 390 points wide), so a template fits every screen. Wherever a
number may stand, a pair `[low, high]` may stand too and is drawn evenly.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal["column", "row", "grid", "layers", "text", "picture", "icon", "stars", "space"]
CONTAINERS = ("column", "row", "grid", "layers")
_NEEDS = {"text": "text", "picture": "of", "icon": "icon"}

Range = Annotated[tuple[float, float], Field(min_length=2, max_length=2)]
Number = float | Range
Padding = Number | Annotated[list[float], Field(min_length=4, max_length=4)]


class Element(BaseModel):
    """One box of a screen.

    Attributes:
        kind: a container (`column`, `row`, `grid`, `layers`) or a leaf.
        chance: how likely the box is there at all.
        repeat: how many copies stand in a row or column.
        width: points; `share` is a fraction of the room instead. Neither: all of it; in a row, its content's.
        height: points, for `space` and as the least height of the others.
        screen: at least as high as the page between the bars.
        shrink: a container only as wide as its content.
        grow: takes the room that is left in a row.
        pad: room inside the box: one number, or top, right, bottom, left.
        gap: room between children.
        fill: colour role of the theme, `#rrggbb`, or `role>role` for a gradient from top to bottom.
        alpha: opacity of the fill, 0 to 1.
        outline: colour role of the border.
        radius: of the corners, in points; more than half the height makes a pill.
        justify: where children stand along a row.
        align: where the content stands across the box.
        at: inside `layers`, where the box stands: 0, 0 is the start and top, 1, 1 the end and bottom.
        children: of a container.
        columns: of a grid.
        rows: of a grid.
        text: key into the texts of the script.
        size: of letters or of an icon, in points.
        face: `body` or `heading` face of the screen.
        bold: heavier letters.
        lines: most lines of a text; more is cut with an ellipsis.
        colour: role of the letters or strokes.
        of: which picture: the product, the `same` picture once more in small, another view of it, an other
            product, `any` (the product in one place, others elsewhere), a person's small portrait, or a blurred
            `backdrop` of the product.
        aspect: width over height of a picture.
        fit: `cover` fills the box and cuts the picture, `contain` shows it whole.
        icon: name of an icon.
        filled: the icon is a solid shape.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    chance: float = Field(1.0, ge=0.0, le=1.0)
    repeat: Number = 1
    width: Number | None = None
    share: Number | None = None
    height: Number = 0
    screen: bool = False
    shrink: bool = False
    grow: bool = False
    pad: Padding = 0
    gap: Number = 0
    fill: str | None = None
    alpha: Number = 1.0
    outline: str | None = None
    radius: Number = 0
    justify: Literal["start", "between", "center", "end", "even"] = "start"
    align: Literal["start", "center", "end"] = "start"
    at: tuple[Number, Number] = (0.0, 0.0)
    children: tuple[Element, ...] = ()
    columns: Number = 2
    rows: Number = 2
    text: str | None = None
    size: Number = 14
    face: Literal["body", "heading"] = "body"
    bold: bool = False
    lines: int = Field(1, ge=1)
    colour: str = "ink"
    of: Literal["product", "same", "view", "other", "any", "portrait", "backdrop"] | None = None
    aspect: Number = 1.0
    fit: Literal["cover", "contain"] = "cover"
    icon: str | None = None
    filled: bool = False

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        needed = _NEEDS.get(self.kind)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"kind `{self.kind}` needs `{needed}`")
        if self.children and self.kind not in CONTAINERS:
            raise ValueError(f"kind `{self.kind}` takes no children")
        if self.kind == "grid" and len(self.children) != 1:
            raise ValueError("a grid has exactly one child, the cell")
        return self
