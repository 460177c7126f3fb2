"""The JSON of answers."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel

from api.answering import Answer
from visionseek.vocabulary import Hit, Product, ProductImage


class ImageShape(BaseModel):
    """A catalog image. The id is text: 63-bit numbers do not survive JavaScript."""

    id: str
    url: str

    @classmethod
    def of(cls, image: ProductImage) -> ImageShape:
        """The image and where this API serves its picture."""
        return cls(id=str(image.id), url=f"/v1/images/{image.id}")


class ProductShape(BaseModel):
    """A product as the catalog has it; what it does not know is null."""

    id: str
    title: str
    category: str | None
    price: float | None
    currency: str | None
    metal: str | None
    stone: str | None
    shape: str | None
    setting: str | None
    karat: int | None
    description: str
    url: str | None
    in_stock: bool
    attributes: dict[str, str]
    images: list[ImageShape]

    @classmethod
    def of(cls, product: Product) -> ProductShape:
        """The product with all its images, the main one first."""
        return cls(
            id=product.id,
            title=product.title,
            category=product.category,
            price=_number(product.price),
            currency=product.currency,
            metal=product.metal,
            stone=product.stone,
            shape=product.shape,
            setting=product.setting,
            karat=product.karat,
            description=product.description,
            url=product.url,
            in_stock=product.in_stock,
            attributes=dict(product.attributes),
            images=[ImageShape.of(image) for image in product.images],
        )


class HitShape(BaseModel):
    """A hit: the product, the image of it that matched best, and the cosine of the two pictures."""

    rank: int
    product_id: str
    title: str
    category: str | None
    price: float | None
    currency: str | None
    metal: str | None
    stone: str | None
    shape: str | None
    setting: str | None
    url: str | None
    in_stock: bool
    score: float
    image: ImageShape

    @classmethod
    def of(cls, rank: int, hit: Hit) -> HitShape:
        """The hit at its place in the answer, 1 is the best."""
        product = hit.product
        return cls(
            rank=rank,
            product_id=product.id,
            title=product.title,
            category=product.category,
            price=_number(product.price),
            currency=product.currency,
            metal=product.metal,
            stone=product.stone,
            shape=product.shape,
            setting=product.setting,
            url=product.url,
            in_stock=product.in_stock,
            score=round(hit.score, 6),
            image=ImageShape.of(hit.image),
        )


class QueryShape(BaseModel):
    """The picture that was searched: its upright size, and the region of it in fractions."""

    width: int
    height: int
    region: list[float] | None


class CoverageShape(BaseModel):
    """How many shards there are and how many answered."""

    shards: int
    answered: int


class SearchShape(BaseModel):
    """The answer to a search. `timings` are milliseconds, as in the header `Server-Timing`."""

    query: QueryShape
    hits: list[HitShape]
    coverage: CoverageShape
    generation: int
    encoder: str
    timings: dict[str, float]

    @classmethod
    def of(cls, answer: Answer, hits: Sequence[Hit]) -> SearchShape:
        """The answer with these of its hits."""
        decoded, found = answer.decoded, answer.found
        box = decoded.region
        region = [round(side, 6) for side in (box.left, box.top, box.right, box.bottom)] if box else None
        return cls(
            query=QueryShape(width=decoded.width, height=decoded.height, region=region),
            hits=[HitShape.of(rank, hit) for rank, hit in enumerate(hits, start=1)],
            coverage=CoverageShape(shards=found.coverage.shards, answered=found.coverage.answered),
            generation=found.generation,
            encoder=found.fingerprint,
            timings=answer.milliseconds,
        )


def _number(price: Decimal | None) -> float | None:
    return None if price is None else float(price)
