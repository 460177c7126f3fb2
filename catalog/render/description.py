"""What a product is, in words and a few numbers: the labels from which its geometry is built.

One description is one feed row and one mesh, so a label is true by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

STYLES: dict[str, tuple[str, ...]] = {
    "ring": ("solitaire", "halo", "three-stone", "pave band", "eternity", "signet"),
    "necklace": ("pendant", "chain", "pearl", "station"),
    "earring": ("stud", "drop", "hoop", "huggie"),
    "bracelet": ("tennis", "bangle", "cuff", "link", "charm"),
}
SHAPES = (
    "round", "princess", "emerald", "asscher", "oval", "pear", "marquise", "cushion", "radiant", "heart",
)  # fmt: skip
SETTINGS = ("4-prong", "6-prong", "claw", "bezel", "halo", "pave", "channel", "tension")
METALS = ("yellow gold", "white gold", "rose gold", "platinum", "silver", "two-tone gold")
STONES = (
    "diamond", "ruby", "sapphire", "emerald", "amethyst", "blue topaz", "citrine", "morganite", "peridot",
    "aquamarine", "garnet", "tanzanite", "pink sapphire", "black diamond",
)  # fmt: skip
PEARLS = ("pearl", "black pearl", "golden pearl")
SHANKS = ("plain", "knife-edge", "pave", "channel", "twist")
CHAINS = ("cable", "figaro", "paperclip", "rope", "box", "snake")

PRONGS = {"4-prong": 4, "6-prong": 6, "claw": 4, "halo": 4}

# Density relative to diamond: specific gravities over 3.52 (Gem Reference Guide).
_DENSITY = {
    "ruby": 1.14, "sapphire": 1.14, "pink sapphire": 1.14, "emerald": 0.77, "amethyst": 0.75, "citrine": 0.75,
    "blue topaz": 1.00, "morganite": 0.77, "aquamarine": 0.77, "peridot": 0.95, "garnet": 1.10,
    "tanzanite": 0.95,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Description:
    """A product.

    Attributes:
        id: unique over all seeds.
        family: the near-twins it belongs to; they differ in the attribute `varies` only.
        varies: name of that attribute, empty for a family of one.
        category: `ring`, `necklace`, `earring` or `bracelet`.
        style: a word of `STYLES[category]`.
        setting: a word of `SETTINGS`, empty where no stone is set.
        shape: a word of `SHAPES`, empty where there is no faceted stone.
        stone: a word of `STONES` or `PEARLS`, empty for plain metal.
        accent: the small stones' word, empty where there are none.
        carat: weight of the main stone, or of each where a pair or a row has equal ones; 0 where many small
            stones are the main thing, and without any.
        metal: a word of `METALS`.
        karat: 14 or 18 for gold, else None.
        shank: of a ring, a word of `SHANKS`; else empty.
        chain: of a necklace or bracelet, a word of `CHAINS`; else empty.
        size: the measure of the piece in millimetres: band width, pearl, hoop or wire.
    """

    id: str
    family: str
    varies: str
    category: str
    style: str
    setting: str
    shape: str
    stone: str
    accent: str
    carat: float
    metal: str
    karat: int | None
    shank: str
    chain: str
    size: float

    @property
    def prongs(self) -> int:
        """Prongs that hold the main stone; 0 where none do."""
        return PRONGS.get(self.setting, 0) if self.shape else 0

    @property
    def has_pearl(self) -> bool:
        """Whether the main stone is a pearl."""
        return self.stone in PEARLS


def stone_width(carat: float, stone: str, elongation: float) -> float:
    """Short side in millimetres of a stone; a round one-carat diamond measures 6.5 mm."""
    volume = carat / _DENSITY.get(stone, 1.0) / elongation
    return float(6.5 * volume ** (1 / 3))
