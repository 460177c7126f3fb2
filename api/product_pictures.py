"""The stored pictures of catalog products."""

from __future__ import annotations

from api.serving import Serving
from visionseek.errors import NotFound
from visionseek.vocabulary import Product


async def find_product(app: Serving, product_id: str) -> Product:
    """The product of this id.

    Raises:
        NotFound: there is none.
    """
    found: dict[str, Product] = {}
    if product_id.isprintable():  # what databases choke on, such as NUL and surrogates, is in no catalog
        found = await app.read(lambda: app.catalog.products([product_id]))
    if product_id not in found:
        raise NotFound(f"no product `{product_id[:255]}` in the catalog")
    return found[product_id]


async def main_picture(app: Serving, product_id: str) -> bytes:
    """The bytes of a product's main picture.

    Raises:
        NotFound: no such product, or it has no picture.
    """
    product = await find_product(app, product_id)
    if not product.images:
        raise NotFound(f"product `{product.id}` has no picture")
    sha256 = product.images[0].sha256
    return await app.read(lambda: app.pictures.get(sha256))
