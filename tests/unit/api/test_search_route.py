import base64
import dataclasses
import json

import pytest
from PIL import Image

from tests.unit.api.conftest import FINGERPRINT, Running, Start, draw, jpeg
from tests.unit.api.test_bad_pictures import problem


def test_a_catalog_picture_finds_its_product_first(api: Running) -> None:
    answer = api.search(jpeg(draw(4)), k=5).json()
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4, 5]
    best = answer["hits"][0]
    assert (best["product_id"], best["price"], best["currency"]) == ("ring-4", 133.9, "EUR")
    assert best["score"] > 0.999
    assert answer["query"] == {"width": 240, "height": 240, "region": None}
    assert answer["coverage"] == {"shards": 2, "answered": 2}
    assert (answer["generation"], answer["encoder"]) == (1, FINGERPRINT)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)


def test_server_timing_names_every_stage_and_agrees_with_the_body(api: Running) -> None:
    response = api.search(jpeg(draw(0)))
    header = dict(part.split(";dur=") for part in response.headers["server-timing"].split(", "))
    assert set(header) == {"decode", "encode", "shards", "rank", "total"}
    assert {name: float(value) for name, value in header.items()} == response.json()["timings"]


def test_twelve_products_come_where_k_is_not_given_each_once(api: Running) -> None:
    ids = [hit["product_id"] for hit in api.search(jpeg(draw(0))).json()["hits"]]
    assert len(ids) == len(set(ids)) == 12


def test_without_grouping_every_image_is_a_hit(api: Running) -> None:
    hits = api.search(jpeg(draw(6)), k=32, group="false").json()["hits"]
    assert len(hits) == 32
    assert len({hit["image"]["id"] for hit in hits}) == 32
    assert [hit["product_id"] for hit in hits[:2]] == ["ring-6", "ring-6"]


@pytest.mark.parametrize("name", ["image", "file", "picture of mine"])
def test_the_file_part_may_have_any_name(api: Running, name: str) -> None:
    response = api.http.post("/v1/search", files={name: ("x", jpeg(draw(1)))})
    assert response.json()["hits"][0]["product_id"] == "ring-1"


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "application/octet-stream"])
def test_a_raw_body_takes_its_fields_from_the_query_string(api: Running, kind: str) -> None:
    response = api.http.post("/v1/search?k=3", content=jpeg(draw(1)), headers={"content-type": kind})
    assert response.json()["hits"][0]["product_id"] == "ring-1"
    assert len(response.json()["hits"]) == 3


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
def test_json_with_base64(api: Running, prefix: str) -> None:
    body = {
        "image_base64": prefix + base64.b64encode(jpeg(draw(9))).decode(),
        "k": 2,
        "region": [0, 0, 1, 1],
        "filter": {"metal": "yellow gold"},
    }
    answer = api.http.post("/v1/search", json=body).json()
    assert answer["hits"][0]["product_id"] == "ring-9"
    assert answer["query"]["region"] == [0.0, 0.0, 1.0, 1.0]


def test_json_with_a_product_id_searches_by_its_main_picture(api: Running) -> None:
    answer = api.http.post("/v1/search", json={"product_id": "ring/3", "k": 1}).json()
    assert answer["hits"][0]["product_id"] == "ring/3"


def page_around(number: int) -> Image.Image:
    """A page of 800 x 600 that shows the piece at 300 to 540, 200 to 440."""
    page = draw(40, size=(800, 600))
    page.paste(draw(number), (300, 200))
    return page


@pytest.mark.parametrize(
    "region",
    ["300,200,540,440", "0.375,0.33333,0.675,0.73333", "[300, 200, 540, 440]"],
)
def test_a_region_in_pixels_or_fractions_finds_the_piece_on_a_page(api: Running, region: str) -> None:
    answer = api.search(jpeg(page_around(11)), region=region, k=1).json()
    assert answer["hits"][0]["product_id"] == "ring-11"
    assert (answer["query"]["width"], answer["query"]["height"]) == (800, 600)
    assert answer["query"]["region"] == pytest.approx([0.375, 1 / 3, 0.675, 440 / 600], abs=1e-4)


def test_a_region_means_the_upright_picture_of_a_rotated_photo(api: Running) -> None:
    turned = page_around(11).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees clockwise to see it upright
    answer = api.search(jpeg(turned, exif=exif), region="300,200,540,440", k=1).json()
    assert (answer["query"]["width"], answer["query"]["height"]) == (800, 600)
    assert answer["hits"][0]["product_id"] == "ring-11"


def test_a_filter_is_applied_in_the_shards(api: Running) -> None:
    hits = api.search(jpeg(draw(0)), k=16, filter='{"metal": "platinum", "price": {"lte": 140}}').json()[
        "hits"
    ]
    assert {hit["metal"] for hit in hits} == {"platinum"}
    assert {hit["product_id"] for hit in hits} == {
        "ring-0",
        "ring-2",
        "ring-4",
        "ring-6",
        "ring-8",
        "ring-10",
    }


def test_prices_and_deletions_take_effect_without_a_new_generation(api: Running) -> None:
    catalog = api.world.catalog
    before = catalog.by_id["ring-4"]
    try:
        catalog.by_id["ring-4"] = dataclasses.replace(before, title="Now on sale")
        assert api.search(jpeg(draw(4)), k=1).json()["hits"][0]["title"] == "Now on sale"
        del catalog.by_id["ring-4"]
        assert api.search(jpeg(draw(4)), k=1).json()["hits"][0]["product_id"] != "ring-4"
    finally:
        catalog.by_id["ring-4"] = before


def test_k_products_come_even_where_one_product_fills_the_first_look(api: Running) -> None:
    catalog = api.world.catalog
    before = dict(catalog.by_id)
    names = list(before)[:13]
    everything = tuple(image for name in names for image in before[name].images)
    try:
        for name in names[1:]:
            del catalog.by_id[name]
        catalog.by_id[names[0]] = dataclasses.replace(before[names[0]], images=everything)
        hits = api.search(jpeg(draw(1)), k=2).json()["hits"]
        assert len({hit["product_id"] for hit in hits}) == 2
    finally:
        catalog.by_id.clear()
        catalog.by_id.update(before)


def test_a_silent_shard_costs_coverage_not_the_request(api: Running, start: Start) -> None:
    api = start(query_deadline_ms=500)
    api.world.server.delays["catalog_shard_01"] = 60
    response = api.search(jpeg(draw(0)), k=3)
    assert response.status_code == 200
    assert response.json()["coverage"] == {"shards": 2, "answered": 1}


def test_full_coverage_can_be_demanded(api: Running, start: Start) -> None:
    api = start(query_deadline_ms=500)
    api.world.server.delays["catalog_shard_01"] = 60
    response = api.search(jpeg(draw(0)), require_full_coverage="true")
    body = problem(response, 503, "unavailable")
    assert body["coverage"] == {"shards": 2, "answered": 1}
    assert response.headers["retry-after"]


def test_a_request_id_is_kept_where_it_is_harmless_and_replaced_where_not(api: Running) -> None:
    kept = api.http.get("/healthz", headers={"x-request-id": "shop-42"})
    assert kept.headers["x-request-id"] == "shop-42"
    replaced = api.http.get("/healthz", headers={"x-request-id": "a b<script>"})
    assert replaced.headers["x-request-id"] not in ("", "a b<script>")


def test_the_description_of_the_api_lists_every_endpoint(api: Running) -> None:
    paths = json.loads(api.http.get("/openapi.json").content)["paths"]
    assert {"/v1/search", "/v1/embed", "/v1/index", "/healthz", "/readyz", "/metrics"} <= set(paths)
