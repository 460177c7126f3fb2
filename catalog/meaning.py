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
    """What texts mean; `attributes` keep what has no field of its own, such as further stones."""

    category: str | None
    remark: str | None
    traits: Traits
    attributes: tuple[tuple[str, str], ...]


def meaning_of(sheet: Sheet, title: str, description: str) -> Meaning:
    """Understand a row, and write its remarks and attributes onto its sheet."""
    titled, described = essence(title) if title else (), essence(description) if description else ()
    told, material = sheet.categories(), sheet.values.get("material", "")
    kind = category_of_title(title, titled)
    if kind is None and _column(told) in BROAD:  # "Bridal Sets" says too little to stop there
        kind = category_of_title(description, described)
    karat = None if _of_material(material)[1] else karat_of(title) or karat_of(description)
    found = _understood(told, kind, titled, described, material, karat)
    if found.remark:
        sheet.remark("category", found.remark, title)
    if found.category is None:
        sheet.remark(
            "category", "neither category nor title name a kind of product", told[0] if told else None
        )
    sheet.attributes.update(found.attributes)
    if not _TOLD.isdisjoint(sheet.values):
        return found._replace(traits=_with_columns(sheet, found.traits))
    return found


@lru_cache(maxsize=20_000)
def _understood(
    told: tuple[str, ...],
    kind: str | None,
    title: Essence,
    description: Essence,
    material: str,
    karat: int | None,
) -> Meaning:
    answer: CategoryAnswer = decide(_column(told), kind)
    attributes = {}
    if told:
        attributes["category"] = told[0]
    if material:
        attributes["material"] = material
    known, fineness = _of_material(material)
    if answer.category in NOT_JEWELRY:  # the gold chain of a purse makes no gold purse
        read = traits_of((known,))._replace(shape=None, setting=None)
    else:
        read = traits_of((known, title, description))
        karat = fineness or karat
        if karat and (read.metal is None or "gold" in read.metal):
            read = read._replace(karat=karat)
        if len(read.stones) > 1:
            attributes["stones"] = ", ".join(read.stones)
        if len(read.metals) > 1:
            attributes["metals"] = ", ".join(read.metals)
    return Meaning(answer.category, answer.remark, read, tuple(attributes.items()))


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
    karat = sheet.value("karat") or sheet.value("metal")
    number = karat_of(f"{karat}K" if karat.isdigit() else karat) if karat else None
    return read._replace(karat=number) if number else read
