"""Products, what is similar to them, and their pictures."""

import io
import urllib.parse

import pytest
from PIL import Image

from tests.unit.api.conftest import Running, draw, jpeg
from tests.unit.api.test_bad_pictures import problem


def test_a_product_with_its_pictures(api: Running) -> None:
    product = api.http.get("/v1/products/ring-5").json()
    assert (product["title"], product["price"], product["currency"]) == ("Drawn ring 5", 134.9, "EUR")
    assert [image["url"] for image in product["images"]] == [
        f"/v1/images/{image['id']}" for image in product["images"]
    ]


@pytest.mark.parametrize("path", ["ring/3", "ring%2F3"])
def test_a_product_whose_id_has_a_slash(api: Running, path: str) -> None:
    assert api.http.get(f"/v1/products/{path}").json()["id"] == "ring/3"


def test_similar_products_without_the_product_itself(api: Running) -> None:
    answer = api.http.get("/v1/products/ring-5/similar?k=4").json()
    ids = [hit["product_id"] for hit in answer["hits"]]
    assert len(ids) == 4
    assert "ring-5" not in ids
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4]
    searched = api.search(jpeg(draw(5)), k=5).json()["hits"]
    assert ids == [hit["product_id"] for hit in searched if hit["product_id"] != "ring-5"]


def test_similar_to_a_product_whose_id_has_a_slash(api: Running) -> None:
    name = urllib.parse.quote("ring/3", safe="")
    answer = api.http.get(f"/v1/products/{name}/similar?k=2")
    assert len(answer.json()["hits"]) == 2


def test_similar_takes_the_fields_of_a_search(api: Running) -> None:
    query = urllib.parse.quote('{"metal": "platinum"}')
    answer = api.http.get(f"/v1/products/ring-5/similar?filter={query}").json()
    assert {hit["metal"] for hit in answer["hits"]} == {"platinum"}
    problem(api.http.get("/v1/products/ring-5/similar?k=0"), 422, "invalid-input")
    problem(api.http.get("/v1/products/nobody/similar"), 404, "not-found")


def an_image(api: Running) -> dict[str, str]:
    found: dict[str, str] = api.http.get("/v1/products/ring-1").json()["images"][0]
    return found


def test_a_picture_is_served_as_it_was_stored(api: Running) -> None:
    response = api.http.get(an_image(api)["url"])
    assert response.content == jpeg(draw(1))
    assert response.headers["content-type"] == "image/jpeg"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in response.headers["cache-control"]


def test_a_picture_that_the_client_has_is_not_sent_again(api: Running) -> None:
    url = an_image(api)["url"]
    tag = api.http.get(url).headers["etag"]
    for given in (tag, f"W/{tag}", f'"other", {tag}'):
        response = api.http.get(url, headers={"if-none-match": given})
        assert (response.status_code, response.content) == (304, b"")
    assert api.http.get(url, headers={"if-none-match": '"other"'}).status_code == 200
    assert api.http.get(f"{url}?size=64").headers["etag"] != tag


def test_a_thumbnail(api: Running) -> None:
    response = api.http.get(f"{an_image(api)['url']}?size=64")
    assert response.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(response.content)).size == (64, 64)


@pytest.mark.parametrize("size", ["0", "-5", "31", "5000", "big", "1e3"])
def test_a_size_that_is_none(api: Running, size: str) -> None:
    body = problem(api.http.get(f"{an_image(api)['url']}?size={size}"), 422, "invalid-input")
    assert body["errors"][0]["field"] == "size"


def test_an_embedding_has_unit_length_and_names_its_encoder(api: Running) -> None:
    response = api.http.post("/v1/embed", files={"image": ("q", jpeg(draw(1)))})
    answer = response.json()
    assert sum(value * value for value in answer["embedding"]) == pytest.approx(1, abs=1e-5)
    assert answer["dimension"] == len(answer["embedding"]) == 32
    assert answer["encoder"] == api.http.get("/v1/index").json()["encoder"]["fingerprint"]
    assert set(answer["timings"]) == {"decode", "encode", "total"}


def test_an_embedding_of_a_catalog_product(api: Running) -> None:
    by_id = api.http.post("/v1/embed", json={"product_id": "ring-1"}).json()
    by_picture = api.http.post("/v1/embed", files={"image": ("q", jpeg(draw(1)))}).json()
    assert by_id["embedding"] == by_picture["embedding"]


def test_an_embedding_of_no_picture(api: Running) -> None:
    problem(api.http.post("/v1/embed", files={"image": ("q", b"text")}), 415, "unsupported-image")


def test_the_index_tells_generation_encoder_shards_and_counts(api: Running) -> None:
    index = api.http.get("/v1/index").json()
    assert index["generation"] == 1
    assert [shard["model"] for shard in index["shards"]] == ["catalog_shard_00", "catalog_shard_01"]
    assert index["images"] == 32
    assert index["catalog"] == {"products": 16, "images": 32}
    assert index["encoder"]["image_size"] == 64
