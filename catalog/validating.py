"""Whether database and picture store agree."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from catalog.database import Catalog
from catalog.ids import image_id
from catalog.pictures import Pictures
from catalog.schema import images, pictures, products
from visionseek.errors import ArtifactError, NotFound

MOST = 1_000


def validate(
    catalog: Catalog, store: Pictures, progress: Callable[[int, int], None] = lambda _, __: None
) -> list[str]:
    """What is wrong, in sentences; at most 1,000 of them.

    Checked: every live image belongs to a product, has the id that its product and picture give, and its
    picture is stored whole (each picture is read and hashed).
    """
    problems: list[str] = []
    with catalog.engine.connect() as connection:
        orphans = (
            select(images.c.id)
            .outerjoin(products, products.c.id == images.c.product_id)
            .where(images.c.deleted_at.is_(None), products.c.id.is_(None))
        )
        problems += [
            f"image {key} shows no product of the catalog" for key in connection.scalars(orphans.limit(MOST))
        ]
        unknown = (
            select(images.c.id)
            .outerjoin(pictures, pictures.c.sha256 == images.c.sha256)
            .where(images.c.deleted_at.is_(None), pictures.c.sha256.is_(None))
        )
        problems += [
            f"image {key} has no picture on record" for key in connection.scalars(unknown.limit(MOST))
        ]
    total = catalog.counts()["images"]
    looked_at: set[str] = set()
    for number, (image, product) in enumerate(catalog.images(), 1):
        if image.id != image_id(product.id, image.sha256):
            problems.append(f"image {image.id} of product {product.id} has an id of something else")
        if image.sha256 not in looked_at:
            looked_at.add(image.sha256)
            try:
                store.get(image.sha256)
            except NotFound:
                problems.append(f"picture {image.sha256} of product {product.id} is missing")
            except ArtifactError:
                problems.append(f"picture {image.sha256} of product {product.id} is damaged")
        if len(problems) >= MOST:
            break
        if number % 100 == 0 or number == total:
            progress(number, total)
    return problems[:MOST]
