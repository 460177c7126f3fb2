"""Captions to learn from: a product's attributes in many wordings, as shops and shoppers write them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from hashlib import sha256

_KINDS: Mapping[str, tuple[str, ...]] = {
    "ring": ("ring",),
    "necklace": ("necklace",),
    "earring": ("earrings", "earrings", "pair of earrings"),
    "bracelet": ("bracelet",),
}
_METALS: Mapping[str, tuple[str, ...]] = {
    "yellow gold": ("yellow gold", "yellow gold", "gold"),
    "white gold": ("white gold",),
    "rose gold": ("rose gold", "rose gold", "pink gold"),
    "silver": ("silver", "sterling silver"),
}
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "4-prong": ("4-prong", "four prong", "four-prong setting", "prong set"),
    "6-prong": ("6-prong", "six prong", "six-prong setting", "prong set"),
    "claw": ("claw set", "claw setting", "claw"),
    "bezel": ("bezel set", "bezel setting", "bezel"),
    "halo": ("halo", "halo setting"),
    "pave": ("pave", "pavé set", "pave setting"),
    "channel": ("channel set", "channel setting", "channel"),
    "tension": ("tension set", "tension setting", "tension"),
}
_SHANKS: Mapping[str, str] = {
    "knife-edge": "knife edge band",
    "pave": "pave band",
    "channel": "channel band",
    "twist": "twisted band",
}
# How the words can stand; an attribute that a product does not have leaves no trace.
_ORDERS: tuple[tuple[str, ...], ...] = (
    ("metal", "shape", "stone", "style", "kind", "setting"),
    ("shape", "stone", "style", "kind", "in metal", "setting"),
    ("style", "kind", "with shape", "stone", "setting", "metal"),
    ("metal", "style", "kind", "setting", "shape", "stone"),
    ("stone", "shape", "kind", "metal", "setting", "style"),
)
# Shoppers leave words out: so often an attribute is not mentioned.
_SILENCE = 0.15


def phrases(row: Mapping[str, str], count: int) -> tuple[str, ...]:
    """Captions of one product, the same for the same row on every machine.

    Args:
        row: a feed row; `category`, `style`, `metal`, `stone`, `shape`, `setting`, `shank`, `chain` and `title`
            are spoken of where it has them.
        count: captions at most. The first is the title, where there is one; equal ones are left out.
    """
    seed = sha256("\x1f".join(row.get(name) or "" for name in ("id", "title")).encode()).digest()
    dice = random.Random(int.from_bytes(seed[:8]))  # noqa: S311 -- wording is no secret
    title = " ".join((row.get("title") or "").split())
    found = dict.fromkeys([title] if title else [])
    if any((row.get(name) or "").strip() for name in ("category", "style", "metal", "stone")):
        for _ in range(4 * count):
            if len(found) >= count:
                break
            if words := _phrase(row, dice):
                found.setdefault(words)
    return tuple(found)[:count]


def _phrase(row: Mapping[str, str], dice: random.Random) -> str:
    get = {name: (row.get(name) or "").strip() for name in (*_NAMES, "shank", "chain")}
    said = {
        "kind": dice.choice(_KINDS.get(get["category"], (get["category"],))),
        "style": get["style"] if get["style"] not in (get["stone"], get["category"]) else "",
        "metal": dice.choice(_METALS.get(get["metal"], (get["metal"],))),
        "stone": get["stone"],
        "shape": f"{get['shape']} cut" if get["shape"] and dice.random() < 0.4 else get["shape"],
        "setting": dice.choice(_SETTINGS.get(get["setting"], (get["setting"],))),
    }
    if said["style"] and said["style"] == get["setting"]:
        said["setting"] = ""
    words = []
    for slot in dice.choice(_ORDERS):
        joint, _, name = slot.rpartition(" ")
        if not said[name] or (name != "kind" and dice.random() < _SILENCE):
            continue
        words += [joint, said[name]] if joint else [said[name]]
    if get["shank"] in _SHANKS and dice.random() > _SILENCE:
        words.append(_SHANKS[get["shank"]])
    if get["chain"] and dice.random() > _SILENCE:
        words.append(dice.choice(("{} chain", "on a {} chain", "{}")).format(get["chain"]))
    return " ".join(" ".join(words).split())


_NAMES = ("category", "style", "metal", "stone", "shape", "setting")
