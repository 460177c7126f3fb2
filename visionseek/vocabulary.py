"""The words of VisionSeek as types; one word for one thing, in code, API, metrics and docs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Region:
    """A box in a query image, in fractions of its upright width and height: 0 <= left < right <= 1."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        """Refuse boxes that are empty, inverted or outside the image (ValueError)."""
        if not (0.0 <= self.left < self.right <= 1.0 and 0.0 <= self.top < self.bottom <= 1.0):
            raise ValueError(f"region {self} must satisfy 0 <= left < right <= 1 and 0 <= top < bottom <= 1")


@dataclass(frozen=True, slots=True)
class ProductImage:
    """One photograph of a product.

    Attributes:
        id: stable 63-bit number, a function of product id and picture bytes; what shards answer with.
        product_id: the product it shows.
        sha256: hex digest of the stored picture bytes; its name in the picture store.
        position: 0 is the main picture.
        source: the link or path that the feed gave.
    """

    id: int
    product_id: str
    sha256: str
    position: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold. Unknown values are None; words are the taxonomy's: `ring`, `yellow gold`, `round`."""

    id: str
    title: str
    category: str | None = None
    price: Decimal | None = None
    currency: str | None = None
    metal: str | None = None
    stone: str | None = None
    shape: str | None = None
    setting: str | None = None
    karat: int | None = None
    description: str = ""
    url: str | None = None
    in_stock: bool = True
    attributes: Mapping[str, str] = field(default_factory=dict)
    images: tuple[ProductImage, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A catalog image that a shard answered with; `score` is the inner product of unit vectors, -1 to 1."""

    image_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A product in an answer, with the image of it that matched best."""

    product: Product
    score: float
    image: ProductImage


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of the catalog an answer has seen."""

    shards: int
    answered: int

    @property
    def full(self) -> bool:
        """Whether every shard answered."""
        return self.answered == self.shards
