"""How a shop would list a product: title, short description, price."""

from __future__ import annotations

from decimal import Decimal

from catalog.render.description import Description
from catalog.render.draw import Draw

_PER_GRAM = {
    "yellow gold": 62,
    "white gold": 64,
    "rose gold": 62,
    "two-tone gold": 66,
    "platinum": 48,
    "silver": 4,
}
_GRAMS = {
    "solitaire": 3.4, "halo": 4.0, "three-stone": 4.2, "pave band": 3.0, "eternity": 3.4, "signet": 7.5,
    "pendant": 3.2, "chain": 8.0, "pearl": 1.6, "station": 2.6, "stud": 1.6, "drop": 3.0, "hoop": 4.2,
    "huggie": 3.0, "tennis": 10.0, "bangle": 14.0, "cuff": 18.0, "link": 20.0, "charm": 11.0,
}  # fmt: skip
# Retail price in US dollars of one carat of a one-carat stone.
_PER_CARAT = {
    "diamond": 3900, "ruby": 1500, "sapphire": 1100, "emerald": 1400, "amethyst": 70, "blue topaz": 60,
    "citrine": 65, "morganite": 240, "peridot": 130, "aquamarine": 260, "garnet": 90, "tanzanite": 480,
    "pink sapphire": 900, "black diamond": 420,
}  # fmt: skip
_PER_PEARL = {"pearl": 34, "black pearl": 85, "golden pearl": 110}
_COUNT = {"stud": 2, "drop": 2, "station": 7, "cuff": 2, "charm": 4}  # equal main stones
# Carats of a row of small stones for each millimetre of the piece's measure.
_ROW = {"tennis": 1.6, "eternity": 0.6, "pave band": 0.25, "hoop": 0.3, "huggie": 0.2, "bangle": 0.3}


def metal_words(item: Description) -> str:
    """`18k yellow gold`, `platinum`, `sterling silver`."""
    if item.karat:
        return f"{item.karat}k {item.metal}"
    return {"silver": "sterling silver"}.get(item.metal, item.metal)


def title(item: Description) -> str:
    """A shop's title, such as `Oval sapphire halo ring in 18k yellow gold`."""
    stone = " ".join(word for word in (_cut(item), item.stone) if word)
    kind = {
        "solitaire": f"{stone} {_held(item)} solitaire ring",
        "halo": f"{stone} halo ring",
        "three-stone": f"{stone} {_held(item)} three-stone ring",
        "pave band": f"{item.stone} {_fine(item.setting)} band ring",
        "eternity": f"{stone} {_fine(item.setting)} eternity ring",
        "signet": f"{stone} signet ring",
        "pendant": f"{stone} {_held(item)} pendant on {item.chain} chain",
        "chain": f"{item.size:g} mm {item.chain} chain necklace",
        "pearl": f"{item.size:g} mm {item.stone} strand necklace",
        "station": f"{item.stone} {_held(item)} station necklace on {item.chain} chain",
        "stud": f"{stone} {_held(item)} stud earrings",
        "drop": f"{stone} {_held(item)} drop earrings",
        "hoop": f"{item.stone} {_fine(item.setting)} hoop earrings",
        "huggie": f"{item.stone} {_fine(item.setting)} huggie earrings",
        "tennis": f"{stone} {_held(item)} tennis bracelet",
        "bangle": f"{stone} {_held(item)} bangle bracelet",
        "cuff": f"{stone} {_held(item)} cuff bracelet",
        "link": f"{item.size:g} mm link bracelet",
        "charm": f"{stone} {_held(item)} charm bracelet",
    }[item.style]
    shank = {"pave": " with pavé shank", "channel": " with channel-set shank", "twist": " with twisted shank",
             "knife-edge": " with knife-edge shank"}.get(item.shank, "")  # fmt: skip
    weight = f"{item.carat:g} ct " if item.varies == "carat" else ""
    words = " ".join(f"{weight}{kind} in {metal_words(item)}{shank}".split())
    return words[0].upper() + words[1:]


def text(item: Description) -> str:
    """One or two short sentences about the product."""
    draw = Draw(item.id, "text")
    parts = []
    each = " each" if item.style in _COUNT else ""
    if item.carat:
        parts.append(f"{item.carat:g} ct {_cut(item)} {item.stone}{each}")
    elif item.shape:
        parts.append(f"a row of {_cut(item)} {item.stone}")
    elif item.has_pearl:
        parts.append(f"{item.stone} of fine lustre")
    if item.accent:
        parts.append(f"{item.accent} accents")
    made = draw.pick(("Set by hand", "Made to order", "Finished by hand", "Polished by hand"))
    first = f"{made} in {metal_words(item)}"
    second = f": {', '.join(parts)}." if parts else "."
    measure = {
        "ring": f" Face {item.size:g} mm." if item.style == "signet" else f" Band {item.size:g} mm.",
        "necklace": " Length 45 cm.",
        "earring": " Sold as a pair.",
        "bracelet": " Inner length 18 cm.",
    }[item.category]
    # a tension ring's band is as strong as its stone needs
    return first + second + ("" if item.setting == "tension" else measure)


def price(item: Description) -> Decimal:
    """A plausible price in US dollars; twins get prices in proportion to metal and stone."""
    draw = Draw(item.family, "price")
    grams = _GRAMS[item.style] * (1 if item.karat == 18 else 0.86 if item.karat else 1.1)
    cost = grams * _PER_GRAM[item.metal] * (item.karat or 18) / 18
    if item.carat:
        # a stone costs more a carat the larger it is
        cost += _COUNT.get(item.style, 1) * _PER_CARAT[item.stone] * item.carat**1.45
    elif item.shape:
        cost += 0.3 * _PER_CARAT[item.stone] * _ROW[item.style] * item.size
    if item.has_pearl:
        count = {"pearl": 420 / item.size, "stud": 2, "drop": 2}[item.style]
        cost += count * _PER_PEARL[item.stone]
    if item.accent:
        cost += 0.28 * _PER_CARAT[item.accent]
    margin = draw.between(1.5, 1.9)
    whole = cost * margin + 90
    step = 5 if whole < 400 else 10 if whole < 2000 else 50
    return Decimal(int(whole / step) * step) + Decimal("0.00")


def _cut(item: Description) -> str:
    """The shape, so that an emerald-cut ruby is not read as an emerald."""
    return "emerald-cut" if item.shape == "emerald" else item.shape


def _held(item: Description) -> str:
    return {"claw": "claw-set", "tension": "tension-set"}.get(item.setting, item.setting)


def _fine(setting: str) -> str:
    return {"pave": "pavé", "channel": "channel-set"}.get(setting, setting)
