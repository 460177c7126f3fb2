"""A product as training sees it: labels, family and where its pictures lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LABELS = ("category", "metal", "stone", "shape", "setting", "prongs")
"""Attributes that pictures show and samples carry."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One photograph.

    Attributes:
        path: the file.
        name: what the catalog calls it; goes into samples instead of the path, which differs by machine.
        view: `studio`, `hand`, `marble` ... where the catalog says so, else `main` or `further`.
    """

    path: Path
    name: str
    view: str


@dataclass(frozen=True, slots=True)
class TrainingProduct:
    """A product with its pictures.

    Attributes:
        id: of the catalog.
        family: products that differ in one attribute only share it; the id where the catalog names none.
        title: as sold.
        price: as shown, or empty.
        labels: attribute name -> value, for the names in LABELS that are known.
        pictures: in the catalog's order.
    """

    id: str
    family: str
    title: str
    price: str
    labels: dict[str, str]
    pictures: tuple[Picture, ...]
