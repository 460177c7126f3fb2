"""The vocabulary of a benchmark: what can be found, what is asked, and which answers are right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from training.evaluate.look import Look

ATTRIBUTES = ("type", "shape", "setting", "prongs", "metal", "stone")
"""By which precision is told; `type` is the category: ring, necklace, earring or bracelet."""


@dataclass(frozen=True, slots=True)
class Item:
    """Something that can be found: a product, or where there are only single photographs, a photograph.

    Attributes:
        id: the product's.
        family: its near twins; results of one family depend on each other.
        title: for people.
        attributes: of `ATTRIBUTES`; what is not known is not there.
        pictures: the gallery's pictures of it, the first one its main picture.
        files: names of picture files that stand for it alone, by which a training may have known it.
    """

    id: str
    family: str
    title: str
    pictures: tuple[Look, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A question with the answers that are right.

    Attributes:
        id: unique in the suite, equal in every run of it.
        slice: the kind of question; figures are told by slice.
        subject: number of the item that is asked for, whose attributes count.
        right: numbers of all items that are right.
        look: the picture, if there is one.
        text: the words, if there are any.
        left_out: number of an item that is not ranked, for leave-one-out; -1 for none.
        pool: only so many first items of the gallery are ranked; None for all.
    """

    id: str
    slice: str
    subject: int
    right: frozenset[int]
    look: Look | None = None
    text: str = ""
    left_out: int = -1
    pool: int | None = None


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark.

    Attributes:
        name: `jewelbench`, `ringfir` or `feed`.
        items: the gallery; positions are the items' numbers.
        queries: in the order of their slices.
        precision_depths: depths of the precision over right answers, where many are right.
        notes: what a reader must know of how this one was made, such as pictures left out.
        parameters: what it depends on: seed, size, held-out classes.
    """

    name: str
    items: tuple[Item, ...]
    queries: tuple[Query, ...]
    precision_depths: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
