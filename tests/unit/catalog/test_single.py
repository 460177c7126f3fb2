import asyncio
import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from catalog.database import Catalog
from catalog.fetching import Files, Router
from catalog.pictures import PictureStore
from catalog.single import Outcome, delete_product, get_product, put_product
from visionseek.errors import ImageRejected, InputError, NotFound


@pytest.fixture
def put(catalog: Catalog, store: PictureStore) -> Callable[..., Outcome]:
    def run(fields: dict[str, Any], **options: Any) -> Outcome:
        return asyncio.run(put_product(catalog, store, fields, **options))

    return run


def jpeg(color: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(stream, "JPEG")
    return stream.getvalue()


def test_a_product_is_created_replaced_read_and_deleted(
    put: Callable[..., Outcome], catalog: Catalog, store: PictureStore
) -> None:
    fields = {"id": "r1", "title": "18K Gold Ring", "price": {"value": 120.5, "currency": "EUR"}, "note": "x"}
    first = put(fields, pictures=[jpeg("red"), jpeg("blue")])
    assert (first.created, first.changed, first.findings) == (True, True, ())
    product = first.product
    assert (product.category, product.price, product.currency, product.karat) == (
        "ring",
        Decimal("120.50"),
        "EUR",
        18,
    )
    assert product.attributes["note"] == "x"
    assert [store.get(image.sha256) for image in product.images] == [jpeg("red"), jpeg("blue")]
    again = put(fields, pictures=[jpeg("red"), jpeg("blue")])
    assert (again.created, again.changed) == (False, False)
    changed = put(fields | {"price": "99 EUR", "in_stock": False}, pictures=[jpeg("blue")])
    assert (changed.created, changed.changed, changed.product.in_stock) == (False, True, False)
    assert len(changed.product.images) == 1
    assert get_product(catalog, "r1") == changed.product
    delete_product(catalog, "r1")
    for act in (get_product, delete_product):
        with pytest.raises(NotFound, match="r1"):
            act(catalog, "r1")
    assert put(fields).created is True


def test_a_broken_upload_stores_nothing(put: Callable[..., Outcome], catalog: Catalog) -> None:
    with pytest.raises(ImageRejected):
        put({"id": "r1", "title": "Ring"}, pictures=[jpeg("red"), b"no picture"])
    assert catalog.products(["r1"]) == {}


def test_a_broken_link_is_a_finding(put: Callable[..., Outcome], tmp_path: Path) -> None:
    fetch = Router(Files(tmp_path, allow_files=False, max_bytes=10**6))
    links = [str(tmp_path / "missing.jpg"), "http://127.0.0.1/a.jpg", "/etc/passwd"]
    outcome = put({"id": "r1", "title": "Ring", "images": links}, fetch=fetch)
    assert outcome.product.images == ()
    assert [finding.value for finding in outcome.findings if finding.outcome == "broken_image"] == links


@pytest.mark.parametrize(
    "fields", [{}, {"title": "Ring"}, {"id": "  "}, {"id": "x" * 300, "title": "a"}, {"id": "1"}]
)
def test_a_product_without_id_or_anything_to_show_is_refused(
    put: Callable[..., Outcome], fields: dict[str, str]
) -> None:
    with pytest.raises(InputError):
        put(fields)


@pytest.mark.parametrize("name", ["../x", "A" * 64, "", "0" * 63, "0" * 65, "0" * 63 + "/"])
def test_what_is_no_digest_names_no_file(store: PictureStore, name: str) -> None:
    with pytest.raises(NotFound):
        store.path(name)
