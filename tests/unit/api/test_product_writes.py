"""PUT and DELETE of products, on a real catalog database."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.opening import CatalogWriter
from api.parts import Parts
from catalog.database import Catalog
from catalog.pictures import PictureStore
from search.searcher import Searcher
from tests.unit.api.conftest import Running, World, draw, jpeg, running
from tests.unit.api.test_bad_pictures import problem
from visionseek.pixels import ImageLimits
from visionseek.settings import Settings

RING = {"title": "Halo ring", "category": "ring", "price": "1290.00", "currency": "EUR", "metal": "platinum"}


class WithDatabase(World):
    """The world of the other tests with a catalog database of its own."""

    root: Path

    def parts(self) -> Parts:
        catalog = Catalog.open(f"sqlite:///{self.root / 'catalog.sqlite3'}")
        pictures = PictureStore(self.root / "pictures")
        writer = CatalogWriter(catalog, pictures, ImageLimits())
        return Parts(Searcher(self.index, self.server), catalog, pictures, writer)


@pytest.fixture(scope="module")
def db(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    own = WithDatabase(world.server, world.catalog, world.pictures, world.index)
    own.root = tmp_path_factory.mktemp("catalog")
    with running(own, Settings()) as api:
        yield api


def test_a_product_is_created_then_replaced_then_deleted(db: Running) -> None:
    created = db.http.put("/v1/products/W-1", json=RING)
    assert created.status_code == 201, created.text
    assert created.json()["product"]["price"] == 1290.0
    again = db.http.put("/v1/products/W-1", json=RING)
    assert (again.status_code, again.json()["created"], again.json()["changed"]) == (200, False, False)
    cheaper = db.http.put("/v1/products/W-1", json={**RING, "price": "990"})
    assert (cheaper.status_code, cheaper.json()["changed"]) == (200, True)
    assert db.http.get("/v1/products/W-1").json()["price"] == 990.0
    assert db.http.delete("/v1/products/W-1").status_code == 204
    problem(db.http.get("/v1/products/W-1"), 404, "not-found")
    problem(db.http.delete("/v1/products/W-1"), 404, "not-found")


def test_pictures_come_in_the_same_request_and_are_served(db: Running) -> None:
    files = [("image", (f"{n}.jpg", jpeg(draw(n)))) for n in range(3)]
    stored = db.http.put("/v1/products/W-2", data={"product": json.dumps(RING)}, files=files)
    assert stored.status_code == 201, stored.text
    images = stored.json()["product"]["images"]
    assert [db.http.get(image["url"]).content for image in images] == [jpeg(draw(n)) for n in range(3)]
    assert db.http.get("/v1/products/W-2/similar?k=1").status_code == 200


def test_an_id_with_a_slash(db: Running) -> None:
    assert db.http.put("/v1/products/a%2Fb", json=RING).json()["product"]["id"] == "a/b"
    assert db.http.delete("/v1/products/a/b").status_code == 204


def test_links_are_not_fetched_and_that_is_said(db: Running) -> None:
    body = {**RING, "images": ["http://169.254.169.254/latest/meta-data"]}
    remarks = db.http.put("/v1/products/W-3", json=body).json()["remarks"]
    assert any("not fetched" in remark["reason"] for remark in remarks)


def test_a_picture_that_cannot_be_used_stores_nothing(db: Running) -> None:
    files = [("image", ("a.jpg", jpeg(draw(1)))), ("image", ("b.jpg", b"text"))]
    response = db.http.put("/v1/products/W-4", data={"product": json.dumps(RING)}, files=files)
    problem(response, 415, "unsupported-image")
    problem(db.http.get("/v1/products/W-4"), 404, "not-found")


def test_more_pictures_than_are_taken(db: Running) -> None:
    files = [("image", (f"{n}.jpg", b"x")) for n in range(9)]
    body = problem(db.http.put("/v1/products/W-5", files=files), 422, "invalid-input")
    assert body["limit"] == {"max_files": 8}


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        (b"{", 400, "malformed-request"),
        (b"[]", 422, "invalid-input"),
        (b"{}", 422, "invalid-input"),
        (b'{"id": "another", "title": "x"}', 422, "invalid-input"),
        (b'{"id": 7, "title": "x"}', 422, "invalid-input"),
        (b'{"title": "' + b"x" * 70_000 + b'"}', 413, "body-too-large"),
    ],
)
def test_a_body_that_is_no_product(db: Running, body: bytes, status: int, name: str) -> None:
    response = db.http.put("/v1/products/W-6", content=body, headers={"content-type": "application/json"})
    problem(response, status, name)


def test_a_type_of_body_that_is_no_product(db: Running) -> None:
    response = db.http.put("/v1/products/W-7", content=b"x", headers={"content-type": "text/csv"})
    problem(response, 415, "unsupported-body")


@pytest.mark.parametrize("name", ["%00", "a%0ab", "x" * 300])
def test_ids_that_no_catalog_takes(db: Running, name: str) -> None:
    assert db.http.put(f"/v1/products/{name}", json=RING).status_code in (404, 422)
    problem(db.http.delete(f"/v1/products/{name}"), 404, "not-found")


@pytest.mark.parametrize(
    "fields",
    [{"title": "\ud800"}, {"title": "a\x00b"}, {"title": {"a": 1}}, {"title": "x", "price": {"a": []}},
     {"title": "x", "attributes": {"\ud800": "y"}}, {"title": "x", "price": -1}, {"title": "x", "price": 1e300}],
)  # fmt: skip
def test_odd_values_are_stored_cleaned_or_refused_never_a_fault(db: Running, fields: object) -> None:
    body = json.dumps(fields).encode()
    response = db.http.put("/v1/products/W-8", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (200, 201, 422), response.text


FEED = (
    "id,title,category,price\nF-1,Gold Ring,Rings,20\nF-2,Chain,Necklaces,\n,Nameless,,1\nF-1,Red Bag,Bags,\n"
)


def test_a_feed_is_imported_by_the_code_of_the_command(db: Running) -> None:
    first = db.http.post("/v1/products:import?name=shop&currency=EUR", content=FEED.encode())
    assert first.status_code == 200, first.text
    told = first.json()
    assert [told[name] for name in ("rows", "accepted", "merged", "rejected")] == [4, 2, 0, 2]
    assert [(f["line"], f["field"]) for f in told["report"] if f["outcome"] == "rejected"] == [
        (4, "id"),
        (5, "id"),
    ]
    ring = db.http.get("/v1/products/F-1").json()
    assert (ring["category"], ring["price"], ring["currency"]) == ("ring", 20.0, "EUR")
    again = db.http.post("/v1/products:import?name=shop&currency=EUR", content=gzip.compress(FEED.encode()))
    assert again.json() == told
    db.http.post(
        "/v1/products:import", content=b'[{"id": "F-1", "title": "Ring"}]', params={"delete_missing": True}
    )
    problem(db.http.get("/v1/products/F-2"), 404, "not-found")


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("", b""),
        ("", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20),
        ("", b"no,known,column\n1,2,3\n"),
        ("", b'[{"id": 1}, {"id"'),
        ("?encoding=klingon", b"id,title\n1,a\n"),
        ("?format=docx", b"id,title\n1,a\n"),
        ("?currency=euros", b"id,title\n1,a\n"),
    ],
)
def test_a_body_that_is_no_feed(db: Running, query: str, body: bytes) -> None:
    problem(db.http.post(f"/v1/products:import{query}", content=body), 422, "invalid-input")


def test_a_feed_that_is_too_large(db: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.products_import_route.MAX_FEED_BYTES", 10)
    problem(db.http.post("/v1/products:import", content=FEED.encode()), 413, "body-too-large")
