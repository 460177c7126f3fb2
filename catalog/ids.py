"""Stable numbers for images."""

from __future__ import annotations

import hashlib

ID_BITS = 63  # FAISS and Triton carry ids as signed 64-bit integers


def image_id(product_id: str, sha256: str) -> int:
    """The id of one photograph of one product: the first 63 bits of sha256(product id, NUL, picture sha256).

    The same picture of the same product keeps its id over re-imports, so its embedding stays valid.

    Args:
        product_id: the product that the picture shows.
        sha256: hex digest of the picture's bytes.
    """
    digest = hashlib.sha256(f"{product_id}\0{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - ID_BITS)
