"""The parts of a running API, opened as the settings say."""

from __future__ import annotations

from api.parts import Parts
from catalog.database import Catalog
from catalog.pictures import PictureStore
from search.address import triton_address
from search.searcher import Searcher
from visionseek.settings import Settings


def open_parts(settings: Settings) -> Parts:
    """Searcher, catalog and pictures. Triton need not answer yet; the API follows it.

    Raises:
        Unavailable: nothing says where Triton is, or the database does not answer.
        SettingsError: no database URL.
        ArtifactError: the database is no catalog, or of a newer version.
    """
    return Parts(
        searcher=Searcher.connect(settings.index, triton_address(settings)),
        catalog=Catalog.open(settings.catalog_url()),
        pictures=PictureStore(settings.pictures),
    )
