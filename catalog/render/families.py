"""Seeded products: an endless stream in which a smaller catalog is the beginning of a larger one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

from catalog.render.description import (
    CHAINS,
    METALS,
    PEARLS,
    SHAPES,
    STONES,
    STYLES,
    Description,
)
from catalog.render.draw import Draw

_CATEGORY = {"ring": 0.40, "necklace": 0.22, "earring": 0.22, "bracelet": 0.16}
_STYLE = {
    "solitaire": 3.0, "halo": 2.2, "three-stone": 1.6, "pave band": 1.0, "eternity": 1.0, "signet": 0.9,
    "pendant": 3.2, "chain": 1.1, "pearl": 0.9, "station": 0.9,
    "stud": 2.2, "drop": 1.8, "hoop": 1.1, "huggie": 0.9,
    "tennis": 1.6, "bangle": 1.2, "cuff": 0.9, "link": 1.0, "charm": 1.0,
}  # fmt: skip
_SETTINGS: dict[str, tuple[str, ...]] = {
    "solitaire": ("4-prong", "6-prong", "claw", "bezel", "tension"),
    "halo": ("halo",),
    "three-stone": ("4-prong", "claw", "bezel"),
    "pave band": ("pave", "channel"),
    "eternity": ("pave", "channel", "bezel", "4-prong"),
    "signet": ("", "bezel"),
    "pendant": ("4-prong", "6-prong", "claw", "bezel", "halo"),
    "chain": ("",),
    "pearl": ("",),
    "station": ("bezel", "4-prong"),
    "stud": ("4-prong", "6-prong", "claw", "bezel", "halo"),
    "drop": ("4-prong", "claw", "bezel", "halo"),
    "hoop": ("", "pave", "channel"),
    "huggie": ("", "pave", "channel"),
    "tennis": ("4-prong", "bezel"),
    "bangle": ("", "bezel", "pave", "channel"),
    "cuff": ("", "bezel"),
    "link": ("",),
    "charm": ("bezel", "4-prong"),
}
_ROUND_ONLY = ("pave band", "hoop", "huggie", "station")
_TWO_TONE = ("solitaire", "halo", "three-stone", "pendant", "drop", "link", "bangle", "charm")
_METAL = {
    "yellow gold": 3.0,
    "white gold": 2.4,
    "rose gold": 2.0,
    "platinum": 1.6,
    "silver": 1.6,
    "two-tone gold": 0.8,
}
_STONE = {stone: 4.5 if stone == "diamond" else 1.0 for stone in STONES}
_SHAPE = {shape: 2.0 if shape == "round" else 1.0 for shape in SHAPES}
_CARATS = (0.5, 0.7, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0)
_SIZES = {  # millimetres: band width, wire, pearl, hoop width
    "solitaire": (1.8, 2.6), "halo": (1.8, 2.4), "three-stone": (1.9, 2.5), "pave band": (2.0, 3.4),
    "eternity": (2.4, 3.8), "signet": (9.0, 13.0), "pendant": (1.1, 1.6), "chain": (2.2, 4.8),
    "pearl": (6.0, 10.0), "station": (1.3, 1.8), "stud": (1.0, 1.0), "drop": (1.0, 1.0), "hoop": (2.0, 3.6),
    "huggie": (2.6, 4.4), "tennis": (2.6, 4.4), "bangle": (2.6, 6.0), "cuff": (3.0, 12.0), "link": (4.5, 8.0),
    "charm": (2.4, 3.4),
}  # fmt: skip


def descriptions(seed: int) -> Iterator[Description]:
    """Products 0, 1, 2 ... of a seed; product i depends on the seed and i only."""
    index = 0
    for number in count():
        for member in family(seed, number):
            yield replace(member, id=f"vs{seed}-{index:05d}")
            index += 1


def family(seed: int, number: int) -> list[Description]:
    """The near-twins of a family (1 to 4), which differ in one attribute; their ids are still empty."""
    draw = Draw(seed, "family", number)
    base = _product(draw, f"vf{seed}-{number:05d}")
    size = draw.weighted({1: 0.34, 2: 0.26, 3: 0.26, 4: 0.14})
    choices = _choices(base)
    # attributes that make the hard twins (setting, shape, shank) come more often than the easy ones
    weights = {name: {"metal": 1.3, "stone": 0.8}.get(name, 1.0) for name in choices}
    varies = draw.weighted(weights)
    options = draw.shuffled([option for option in choices[varies] if option != getattr(base, varies)])
    if size == 1 or not options:
        return [base]
    base = replace(base, varies=varies)
    return [base, *(_with(base, varies, option) for option in options[: size - 1])]


def _product(draw: Draw, family_id: str) -> Description:
    category = draw.weighted(_CATEGORY)
    style = draw.weighted({style: _STYLE[style] for style in STYLES[category]})
    setting = draw.pick(_SETTINGS[style])
    metal = draw.weighted({m: w for m, w in _METAL.items() if m != "two-tone gold" or style in _TWO_TONE})
    karat = _karat(metal, draw)
    stone = draw.weighted(_STONE)
    shape = draw.weighted(_SHAPE)
    accent = "diamond" if draw.chance(0.8) else draw.weighted(_STONE)
    carat = draw.pick(_CARATS)
    shank = draw.weighted({"plain": 3.0, "knife-edge": 1.0, "pave": 1.8, "channel": 1.0, "twist": 0.9})
    chain = draw.pick(CHAINS)
    size = round(draw.between(*_SIZES[style]), 1)
    pearl = draw.pick(PEARLS) if style == "pearl" or (style in ("stud", "drop") and draw.chance(0.22)) else ""
    if not setting and not pearl:
        stone = shape = ""
    if setting == "tension":
        shank = "plain"
    if style in _ROUND_ONLY or setting in ("pave", "channel"):
        shape = "round" if setting else ""
    if style == "eternity" and shape not in ("round", "princess", "oval", "emerald"):
        shape = "round" if setting != "4-prong" else "oval"
    if style == "tennis" and shape in ("heart", "pear", "marquise"):
        shape = "round"
    if style in ("signet", "cuff", "bangle", "charm") and shape:
        shape = shape if shape in ("round", "oval", "cushion", "emerald") else "round"
    if pearl:
        stone, setting, shape, carat = pearl, "", "", 0.0
    if style not in ("solitaire", "halo", "three-stone"):
        shank = ""
    if style not in ("pendant", "chain", "station"):
        chain = ""
    if style in ("station", "pendant") and chain in ("paperclip", "snake"):
        chain = "cable"
    has_accents = style in ("halo", "three-stone") or shank in ("pave", "channel") or setting == "halo"
    return Description(
        id="",
        family=family_id,
        varies="",
        category=category,
        style=style,
        setting=setting,
        shape=shape,
        stone=stone,
        accent=accent if has_accents else "",
        carat=_carat(style, setting, carat) if shape else 0.0,
        metal=metal,
        karat=karat,
        shank=shank,
        chain=chain,
        size=size,
    )


def _carat(style: str, setting: str, carat: float) -> float:
    """Weight of one main stone that is usual for the style; 0 where many small ones are the main thing."""
    if style in ("tennis", "eternity") or setting in ("pave", "channel"):
        return 0.0
    if style in ("station", "cuff", "charm"):
        return round(0.3 + 0.08 * carat, 2)
    return {"bangle": round(0.5 + 0.2 * carat, 2), "signet": round(0.2 + 0.1 * carat, 2)}.get(style, carat)


def _karat(metal: str, draw: Draw) -> int | None:
    karat = draw.pick((14, 18))
    return karat if metal.endswith("gold") else None


def _choices(base: Description) -> dict[str, list[str | float]]:
    """Attributes in which near-twins of this product can differ, with their values."""
    choices: dict[str, list[str | float]] = {
        "metal": [m for m in METALS if m != "two-tone gold" or base.style in _TWO_TONE]
    }
    if base.has_pearl:
        return choices | {"stone": list(PEARLS)}
    if base.stone:
        choices["stone"] = list(STONES)
    # A setting that only changes how the main stone is held; halo and pave change the small stones too.
    rows = ("pave", "channel")
    held = [
        s
        for s in _SETTINGS[base.style]
        if s not in ("", "halo", "tension") and (s in rows) == (base.setting in rows)
    ]
    if base.setting in held and len(held) > 1 and base.style != "eternity":
        choices["setting"] = list(held)
    if base.style in ("solitaire", "halo", "three-stone", "pendant", "stud", "drop"):
        choices["shape"] = list(SHAPES)
        choices["carat"] = [c for c in _CARATS if _apart(c, base.carat)]
    if base.shank in ("plain", "knife-edge", "twist") and base.setting != "tension" and not base.accent:
        choices["shank"] = ["plain", "knife-edge", "twist"]
    if base.chain:
        choices["chain"] = list(CHAINS) if base.style == "chain" else ["cable", "figaro", "rope", "box"]
    return choices


def _apart(carat: float, other: float) -> bool:
    """Whether two weights can be told apart by eye: 20 % in width."""
    return carat == other or not 0.58 < carat / other < 1.73


def _with(base: Description, varies: str, value: str | float) -> Description:
    if varies == "metal":
        karat = (base.karat or 18) if str(value).endswith("gold") else None
        return replace(base, metal=str(value), karat=karat)
    changed: dict[str, Any] = {varies: value}
    return replace(base, **changed)
