"""How metals, stones, pearls, skin and stuffs look: linear RGB colours and refractive indices.

Metal colours are reflectances at normal incidence (measured gold, silver, platinum; alloys by eye between
them); refractive indices are those of gemmological tables (Gem Reference Guide).
"""

from __future__ import annotations

from dataclasses import dataclass

from catalog.render.description import Description
from catalog.render.mesh import Array

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """A surface.

    Attributes:
        kind: `metal`, `gem`, `pearl`, `skin`, `polished`, `cloth` or `matt`.
        colour: reflectance, or for a gem what a ray keeps on its way through.
        roughness: GGX alpha of a metal, roughness of the others.
        index: refractive index of a gem.
        texture: [h, w, 3] linear colours laid over the surface instead of `colour`, or None.
    """

    kind: str
    colour: Colour
    roughness: float = 0.05
    index: float = 1.5
    texture: Array | None = None


_METALS: dict[str, tuple[Colour, float]] = {
    "yellow gold": ((1.00, 0.74, 0.33), 0.05),
    "white gold": ((0.87, 0.85, 0.80), 0.05),
    "rose gold": ((0.97, 0.64, 0.52), 0.05),
    "platinum": ((0.74, 0.74, 0.74), 0.085),
    "silver": ((0.97, 0.96, 0.94), 0.035),
}
_FOURTEEN = (0.97, 1.02, 1.12)  # 14k holds less gold: paler than 18k

_GEMS: dict[str, tuple[float, Colour]] = {
    "diamond": (2.417, (1.0, 1.0, 1.0)),
    "ruby": (1.766, (0.80, 0.015, 0.06)),
    "sapphire": (1.766, (0.03, 0.09, 0.62)),
    "emerald": (1.58, (0.02, 0.50, 0.18)),
    "amethyst": (1.55, (0.42, 0.12, 0.70)),
    "blue topaz": (1.62, (0.22, 0.62, 0.95)),
    "citrine": (1.55, (0.98, 0.55, 0.05)),
    "morganite": (1.58, (0.98, 0.66, 0.58)),
    "peridot": (1.67, (0.48, 0.74, 0.06)),
    "aquamarine": (1.577, (0.62, 0.90, 0.92)),
    "garnet": (1.76, (0.42, 0.015, 0.02)),
    "tanzanite": (1.69, (0.20, 0.13, 0.70)),
    "pink sapphire": (1.766, (0.95, 0.22, 0.50)),
    "black diamond": (2.417, (0.012, 0.012, 0.014)),
}
_PEARLS: dict[str, Colour] = {
    "pearl": (0.60, 0.57, 0.52),
    "black pearl": (0.10, 0.12, 0.13),
    "golden pearl": (0.82, 0.60, 0.28),
}


def metal(word: str, karat: int | None) -> Material:
    """A polished metal; two-tone gold is yellow where it is the body."""
    colour, roughness = _METALS["yellow gold" if word == "two-tone gold" else word]
    if karat == 14:
        red, green, blue = (min(1.0, c * f) for c, f in zip(colour, _FOURTEEN, strict=True))
        colour = (red, green, blue)
    return Material("metal", colour, roughness)


def gem(word: str) -> Material:
    """A faceted stone."""
    index, colour = _GEMS[word]
    return Material("gem", colour, 0.0, index)


def materials(item: Description) -> dict[str, Material]:
    """The material of each slot of the product's parts."""
    body = metal(item.metal, item.karat)
    second = metal("white gold", item.karat) if item.metal == "two-tone gold" else body
    found = {"metal": body, "second": second}
    if item.has_pearl:
        found["pearl"] = Material("pearl", _PEARLS[item.stone], 0.22)
    elif item.stone:
        found["stone"] = gem(item.stone)
    found["accent"] = gem(item.accent or "diamond")
    return found
