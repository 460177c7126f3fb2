"""The parts of a running API, opened as the settings say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.parts import Parts
from catalog.database import Catalog
from catalog.feeds.opening import Format
from catalog.pictures import Pictures
from catalog.posting import Posted, import_posted
from catalog.single import Outcome, delete_product, put_product
from catalog.store import open_pictures
from search.address import triton_address
from search.searcher import Searcher
from visionseek.pixels import ImageLimits
from visionseek.settings import Settings


class CatalogWriter:
    """`api.parts.Writer` over the catalog database. Linked pictures are not fetched: uploads are stored."""

    def __init__(self, catalog: Catalog, pictures: Pictures, limits: ImageLimits) -> None:
        self._catalog = catalog
        self._pictures = pictures
        self._limits = limits

    async def put(self, fields: Mapping[str, Any], pictures: Sequence[bytes]) -> Outcome:
        """Create or replace a product; see `catalog.single.put_product`."""
        return await put_product(
            self._catalog, self._pictures, fields, pictures=pictures, limits=self._limits
        )

    def delete(self, product_id: str) -> None:
        """Delete a product; see `catalog.single.delete_product`."""
        delete_product(self._catalog, product_id)

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
        """Import the feed in a file; see `catalog.posting.import_posted`."""
        return import_posted(
            self._catalog,
            self._pictures,
            path,
            name=name,
            limits=self._limits,
            format=format,
            encoding=encoding,
            currency=currency,
            delete_missing=delete_missing,
        )


def open_parts(settings: Settings) -> Parts:
    """Searcher, catalog and pictures. Triton need not answer yet; the API follows it.

    Raises:
        Unavailable: nothing says where Triton is, or the database does not answer.
        SettingsError: no database URL.
        ArtifactError: the database is no catalog, or of a newer version.
    """
    searcher = Searcher.connect(settings.index, triton_address(settings))
    catalog = Catalog.open(settings.catalog_url())
    pictures = open_pictures(settings)
    limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels, settings.max_image_frames)
    return Parts(searcher, catalog, pictures, CatalogWriter(catalog, pictures, limits))
