"""What the API stands on: a searcher, the catalog, its pictures. Opened once, at the start."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from catalog.feeds.opening import Format
from catalog.posting import Posted
from catalog.single import Outcome
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


class Writer(Protocol):
    """Changes the catalog, by one product or a whole feed."""

    async def put(self, fields: Mapping[str, Any], pictures: Sequence[bytes]) -> Outcome:
        """Create or replace a product; stored when this returns."""
        ...

    def delete(self, product_id: str) -> None:
        """Delete a product; blocks; raises `NotFound`."""
        ...

    def import_feed(
        self,
        path: Path,
        *,
        name: str,
        format: Format | None,  # noqa: A002 -- the command's word
        encoding: str | None,
        currency: str | None,
        delete_missing: bool,
    ) -> Posted:
        """Import the feed in a file; blocks; raises `FeedError`."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a running API."""

    searcher: Searcher
    catalog: Catalog
    pictures: Pictures
    writer: Writer
