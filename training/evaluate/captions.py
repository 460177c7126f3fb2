"""What a shopper would type: words from a product's attributes, never from its id or its shop title."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

# How the words can stand; which one a product gets is decided by its id.
_ORDERS = (
    "{metal} {cut} {stone} {style} {kind} {setting}",
    "{cut} {stone} {style} {kind} in {metal} {setting}",
    "{style} {kind} with {cut} {stone} {setting} {metal}",
    "{metal} {style} {kind} {setting} {cut} {stone}",
)
_KINDS = {"earring": "earrings"}
_SETTINGS = {
    "4-prong": "four prong", "6-prong": "six prong", "claw": "claw set", "bezel": "bezel set",
    "pave": "pave", "channel": "channel set", "tension": "tension set",
}  # fmt: skip
_SHANKS = {
    "knife-edge": "knife edge band",
    "pave": "pave band",
    "channel": "channel band",
    "twist": "twisted band",
}
# Attributes that a caption speaks of: products that agree in all of them are all right.
SPOKEN = ("category", "style", "metal", "stone", "shape", "setting", "shank", "chain")


def caption(row: Mapping[str, str]) -> str:
    """A shopper's words for a product, lower case, such as `oval sapphire halo ring in rose gold`.

    Args:
        row: a feed row with the columns of `SPOKEN` and `id`; missing ones say nothing.
    """
    get = {name: (row.get(name) or "").strip() for name in SPOKEN}
    style = get["style"] if get["style"] not in (get["stone"], get["category"], "pearl") else ""
    setting = _SETTINGS.get(get["setting"], get["setting"])
    words = {
        "metal": get["metal"],
        "cut": f"{get['shape']} cut" if get["shape"] == "emerald" else get["shape"],
        "stone": get["stone"],
        "style": style,
        "kind": _KINDS.get(get["category"], get["category"]) if style not in ("pendant",) else "necklace",
        "setting": "" if setting == get["style"] else setting,
    }
    order = _ORDERS[sha256(row["id"].encode()).digest()[0] % len(_ORDERS)]
    if not words["stone"]:
        order = order.replace(" with {cut} {stone}", "").replace("{cut} {stone}", "")
    extra = " ".join(
        part
        for part in (_SHANKS.get(get["shank"], ""), f"{get['chain']} chain" if get["chain"] else "")
        if part
    )
    return " ".join(f"{order.format(**words)} {extra}".split())


def spoken(row: Mapping[str, str]) -> tuple[str, ...]:
    """What a caption tells of a product; equal for products that it cannot tell apart."""
    return tuple((row.get(name) or "").strip() for name in SPOKEN)


def change(row: Mapping[str, str], varies: str) -> str:
    """The words that ask for a near twin: `in rose gold`, `with a ruby`, or empty where none can be said."""
    value = (row.get(varies) or "").strip()
    if not value:
        return {"shank": "with a plain band", "setting": "without a setting"}.get(varies, "")
    forms = {
        "metal": f"in {value}",
        "stone": f"with {value}",
        "shape": f"{value} cut",
        "setting": f"{_SETTINGS.get(value, value)} setting",
        "carat": f"{value} carat",
        "shank": "with a " + _SHANKS.get(value, "plain band"),
        "chain": f"on a {value} chain",
    }
    return forms.get(varies, f"{value} {varies}")
