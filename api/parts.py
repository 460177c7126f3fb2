"""What the API stands on: a searcher, the catalog, the picture store. Opened once, at the start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from search.searcher import Searcher
from visionseek.vocabulary import Product


class Catalog(Protocol):
    """What the API asks of the catalog database; calls block."""

    def products(self, ids: Collection[str]) -> dict[str, Product]:
        """Product id -> product, for those that live."""
        ...

    def products_by_image(self, image_ids: Collection[int]) -> dict[int, Product]:
        """Image id -> the product it shows, with its images; one round trip."""
        ...

    def all_products(self) -> Iterator[Product]:
        """Every live product with its images, streaming."""
        ...

    def counts(self) -> Mapping[str, int]:
        """How many products and images live."""
        ...


class Pictures(Protocol):
    """What the API asks of the picture store; calls block."""

    def get(self, sha256: str) -> bytes:
        """The bytes of a picture; raises `NotFound`."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running API."""

    searcher: Searcher
    catalog: Catalog
    pictures: Pictures
