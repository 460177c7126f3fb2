"""What a row's texts mean together: category, metal, stone, shape, setting, karat.

Titles and descriptions are made by patterns, so that the same words come again and are understood once.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from catalog.normalise.categories import (
    BROAD,
    NOT_JEWELRY,
    CategoryAnswer,
    category_of_column,
    category_of_title,
    decide,
)
from catalog.normalise.scan import Kind, essence
from catalog.normalise.traits import Traits, from_column, karat_of, traits_of
from catalog.sheet import Sheet

TRAIT_COLUMNS: tuple[Kind, ...] = ("metal", "stone", "shape", "setting")
_TOLD = frozenset({*TRAIT_COLUMNS, "karat"})

Essence = tuple[str, ...]


class Meaning(NamedTuple):
    """What texts mean.

    Attributes:
        category: of the taxonomy, None where nothing names one.
        remark: where category column and title disagree.
        traits: of the piece; the karat is that of the material column.
        attributes: what has no field of its own, such as further stones.
        asks_karat: a number of karats in title or description holds: the piece may be of gold, and the
            material column has none.
    """

    category: str | None
    remark: str | None
    traits: Traits
    attributes: dict[str, str]
    asks_karat: bool


def meaning_of(sheet: Sheet, title: str, description: str) -> tuple[str | None, Traits, int | None]:
    """Understand a row, and write its remarks and attributes onto its sheet.

    Returns:
        Its category, its traits and its karat, which goes before that of the traits.
    """
    titled, described = essence(title) if title else (), essence(description) if description else ()
    told, material = sheet.categories(), sheet.values.get("material", "")
    kind = category_of_title(title, titled)
    if kind is None and _column(told) in BROAD:  # "Bridal Sets" says too little to stop there
        kind = category_of_title(description, described)
    category, remark, traits, attributes, asks_karat = _understood(told, kind, titled, described, material)
    karat = karat_of(title) or karat_of(description) if asks_karat else traits.karat
    if remark:
        sheet.remark("category", remark, title)
    if category is None:
        sheet.remark(
            "category", "neither category nor title name a kind of product", told[0] if told else None
        )
    sheet.attributes.update(attributes)
    if not _TOLD.isdisjoint(sheet.values):
        traits = _with_columns(sheet, traits)
        karat = _karat_column(sheet) or karat
    return category, traits, karat


@lru_cache(maxsize=20_000)
def _understood(
    told: tuple[str, ...],
    kind: str | None,
    title: Essence,
    description: Essence,
    material: str,
) -> Meaning:
    answer: CategoryAnswer = decide(_column(told), kind)
    attributes = {}
    if told:
        attributes["category"] = told[0]
    if material:
        attributes["material"] = material
    (known, fineness), asks_karat = _of_material(material), False
    if answer.category in NOT_JEWELRY:  # the gold chain of a purse makes no gold purse
        read = traits_of((known,))._replace(shape=None, setting=None)
    else:
        read = traits_of((known, title, description))
        if read.metal is None or "gold" in read.metal:
            read = read._replace(karat=fineness)
            asks_karat = fineness is None
        if len(read.stones) > 1:
            attributes["stones"] = ", ".join(read.stones)
        if len(read.metals) > 1:
            attributes["metals"] = ", ".join(read.metals)
    return Meaning(answer.category, answer.remark, read, attributes, asks_karat)


@lru_cache(maxsize=20_000)
def _of_material(material: str) -> tuple[Essence, int | None]:
    return essence(material), karat_of(material)


def _column(told: tuple[str, ...]) -> str | None:
    for text in told:
        if named := category_of_column(text):
            return named
    return None


def _with_columns(sheet: Sheet, read: Traits) -> Traits:
    """What columns of their own say goes before what was read from texts."""
    told: dict[str, str] = {}
    for kind in TRAIT_COLUMNS:
        value = sheet.value(kind)
        word = from_column(kind, value) if value else None
        if word:
            told[kind] = word
        elif value:  # the taxonomy does not know it
            sheet.attributes[kind] = value
    if told:
        read = read._replace(**told)  # type: ignore[arg-type]  # the kinds are fields of Traits
    return read


def _karat_column(sheet: Sheet) -> int | None:
    karat = sheet.value("karat") or sheet.value("metal")
    return karat_of(f"{karat}K" if karat.isdigit() else karat) if karat else None
