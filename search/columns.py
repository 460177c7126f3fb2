"""The columns of a product that a shard can filter by; `docs/index.md` says what a filter may ask."""

from __future__ import annotations

from visionseek.vocabulary import Product

Value = str | float | int | bool | None

FIELDS = (
    "product_id",
    "category",
    "metal",
    "stone",
    "shape",
    "setting",
    "karat",
    "price",
    "currency",
    "in_stock",
)


def row_of(product: Product) -> dict[str, Value]:
    """One value a field, in the order of `FIELDS`; None where the product does not say."""
    price = None if product.price is None else float(product.price)
    return {
        "product_id": product.id,
        "category": product.category,
        "metal": product.metal,
        "stone": product.stone,
        "shape": product.shape,
        "setting": product.setting,
        "karat": product.karat,
        "price": price,
        "currency": product.currency,
        "in_stock": product.in_stock,
    }
