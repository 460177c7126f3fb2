"""Requests that are malformed, wrong or hostile, each with its problem; the server lives on."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.unit.api.conftest import Running, draw, jpeg
from tests.unit.api.test_bad_pictures import problem

PICTURE = jpeg(draw(1))
UNFINISHED = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nabc'


@pytest.fixture(scope="module", autouse=True)
def the_server_lives_on(module_api: Running) -> Iterator[None]:
    yield
    assert module_api.works()


@pytest.mark.parametrize("k", ["0", "-1", "101", "twelve", "1.5", "1e2", "", "9" * 5000])
def test_k_that_is_no_number_from_1_to_100(api: Running, k: str) -> None:
    body = problem(api.search(PICTURE, k=k), 422, "invalid-input")
    assert body["errors"][0]["field"] == "k"
    assert body["limit"] == {"k": [1, 100]}


def test_k_that_is_true(api: Running) -> None:
    encoded = base64.b64encode(PICTURE).decode()
    problem(api.http.post("/v1/search", json={"image_base64": encoded, "k": True}), 422, "invalid-input")


@pytest.mark.parametrize(
    "region",
    ["1,2,3", "a,b,c,d", "0.5,0.5,0.5,0.9", "0.9,0.1,0.1,0.9", "-0.1,0,1,1", "nan,0,1,1", "0,0,inf,1",
     "0,0,9999,20", "[0,0", "{}", "[[0],0,1,1]", "0;0;1;1", "[" * 50_000, "1e999,0,1,1", "0,0,0.001,0.001"],
)  # fmt: skip
def test_a_region_that_is_none(api: Running, region: str) -> None:
    response = api.search(PICTURE, region=region)
    assert response.status_code == 422
    assert "region" in response.json()["detail"]


@pytest.mark.parametrize(
    "value",
    [
        '{"metal"',
        "[]",
        "7",
        '"gold"',
        "{'metal': 'gold'}",
        '{"price": NaN}',
        "[" * 60_000,
        '{"a":' * 9_000,
        '{"price": 1e999}',
        '{"price": 1' + "0" * 400 + "}",
    ],
)
def test_a_filter_that_is_no_json_object(api: Running, value: str) -> None:
    body = problem(api.search(PICTURE, filter=value), 422, "invalid-input")
    assert body["errors"][0]["field"] == "filter"


@pytest.mark.parametrize("depth", [9, 50, 300, 900, 960, 990, 5_000])
def test_a_filter_nested_deeper_than_its_bound_whichever_way_it_comes(api: Running, depth: int) -> None:
    deep = '{"metal":' * depth + "1" + "}" * depth
    encoded = base64.b64encode(PICTURE).decode()
    body = f'{{"image_base64": "{encoded}", "filter": {deep}}}'
    raw = {"content-type": "application/json"}
    picture = {"content-type": "image/jpeg"}
    for response in (
        api.search(PICTURE, filter=deep),
        api.http.post("/v1/search", content=body, headers=raw),
        api.http.post("/v1/search", content=PICTURE, params={"filter": deep[:8_000]}, headers=picture),
        api.http.get("/v1/products/ring-1/similar", params={"filter": deep[:8_000]}),
    ):
        problem(response, 422, "invalid-input")
    assert api.search(PICTURE, filter='{"metal": ["platinum"], "price": {"min": 1}}').status_code == 200


def test_a_filter_s_bounds_are_told(api: Running) -> None:
    body = problem(api.search(PICTURE, filter='{"a":' * 9 + "1" + "}" * 9), 422, "invalid-input")
    assert "more than 8 levels" in body["detail"]
    assert body["limit"] == {"filter": {"depth": 8, "characters": 65_536}}
    encoded = base64.b64encode(PICTURE).decode()
    long = {"image_base64": encoded, "filter": {"metal": "x" * 70_000}}
    assert "65,536" in problem(api.http.post("/v1/search", json=long), 422, "invalid-input")["detail"]


def test_a_filter_on_an_unknown_column(api: Running) -> None:
    assert (
        "colour" in problem(api.search(PICTURE, filter='{"colour": "red"}'), 422, "invalid-input")["detail"]
    )


def test_an_unknown_field_is_told_with_a_guess(api: Running) -> None:
    body = problem(api.search(PICTURE, regoin="0,0,1,1"), 422, "invalid-input")
    assert "did you mean `region`" in body["detail"]


def test_a_field_given_twice(api: Running) -> None:
    response = api.http.post("/v1/search?k=1", files={"image": ("x", PICTURE)}, data={"k": "2"})
    assert "twice" in problem(response, 422, "invalid-input")["detail"]


@pytest.mark.parametrize("field", ["text", "image_url", "weights", "facets", "rerank", "explain"])
def test_what_is_not_built_yet_says_so(api: Running, field: str) -> None:
    assert field in problem(api.search(PICTURE, **{field: "x"}), 501, "not-built")["detail"]


def test_two_files(api: Running) -> None:
    files = [("image", ("a.jpg", PICTURE)), ("image", ("b.jpg", PICTURE))]
    body = problem(api.http.post("/v1/search", files=files), 422, "invalid-input")
    assert body["limit"] == {"max_files": 1}


def test_a_file_input_left_empty_beside_the_picture_is_no_second_file(api: Running) -> None:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="camera"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n"
        b'--b\r\nContent-Disposition: form-data; name="image"; filename="q.jpg"\r\n\r\n'
        + PICTURE
        + b"\r\n--b--\r\n"
    )
    response = api.http.post(
        "/v1/search", content=body, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert response.json()["hits"][0]["product_id"] == "ring-1"


def test_very_many_fields(api: Running) -> None:
    response = api.http.post(
        "/v1/search", files={"image": ("a", PICTURE)}, data={f"f{n}": "x" for n in range(500)}
    )
    assert problem(response, 422, "invalid-input")["limit"] == {"max_fields": 32}


def test_a_very_long_field(api: Running) -> None:
    response = api.search(PICTURE, filter=" " * 70_000)
    assert problem(response, 422, "invalid-input")["limit"] == {"max_field_bytes": 65_536}


def test_a_very_long_part_header(api: Running) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="' + b"x" * 100_000 + b'"\r\n\r\nv\r\n--b--\r\n'
    response = api.http.post(
        "/v1/search", content=part, headers={"content-type": "multipart/form-data; boundary=b"}
    )
    problem(response, 400, "malformed-request")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--b\r\n\r\n--b--"),
        ("multipart/form-data; boundary=" + "b" * 5_000, b"--b\r\n\r\n--b--"),
        ("multipart/form-data; boundary=b", b"not a form"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", UNFINISHED),
        ("application/json", b"{"),
        ("application/json", b"\xff\xfe\x00"),
        ("application/json", b'{"k": NaN}'),
    ],
)  # fmt: skip
def test_a_body_that_is_not_what_its_type_says(api: Running, kind: str, body: bytes) -> None:
    problem(
        api.http.post("/v1/search", content=body, headers={"content-type": kind}), 400, "malformed-request"
    )


def test_a_body_nested_past_reading(api: Running) -> None:
    response = api.http.post(
        "/v1/search", content=b"[" * 100_000, headers={"content-type": "application/json"}
    )
    assert "nested too deeply" in problem(response, 422, "invalid-input")["detail"]


def test_a_form_without_a_file(api: Running) -> None:
    response = api.http.post("/v1/search", files={"k": (None, "3")})
    assert "no file" in problem(response, 422, "invalid-input")["detail"]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "video/mp4", "nonsense", "", None]
)
def test_a_type_of_body_that_is_not_read(api: Running, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    body = problem(api.http.post("/v1/search", content=PICTURE, headers=headers), 415, "unsupported-body")
    assert "multipart/form-data" in body["mend"]


def test_a_compressed_body(api: Running) -> None:
    headers = {"content-type": "image/jpeg", "content-encoding": "gzip"}
    problem(api.http.post("/v1/search", content=PICTURE, headers=headers), 415, "unsupported-body")


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, None, {}, {"image_base64": 3}, {"image_base64": ""}, {"image_base64": "***"},
     {"product_id": ["ring-1"]}, {"product_id": "ring-1", "image_base64": "aaaa"},
     {"image_base64": "aGk\u00e4"}],
)  # fmt: skip
def test_json_that_is_no_query(api: Running, body: object) -> None:
    headers = {"content-type": "application/json"}
    problem(api.http.post("/v1/search", content=json.dumps(body), headers=headers), 422, "invalid-input")


def test_json_with_the_id_of_no_product(api: Running) -> None:
    problem(api.http.post("/v1/search", json={"product_id": "nobody"}), 404, "not-found")


@pytest.mark.parametrize(
    "body",
    [b'{"product_id": "\\ud800"}', b'{"product_id": "a\\u0000b"}', b'{"\\ud800": 1, "product_id": "ring-1"}',
     b'{"product_id": "ring-1", "filter": {"\\udfff": "\\ud800"}}'],
)  # fmt: skip
def test_text_that_is_no_unicode(api: Running, body: bytes) -> None:
    response = api.http.post("/v1/search", content=body, headers={"content-type": "application/json"})
    assert response.status_code in (404, 422)
    assert response.json()["detail"]


def test_a_path_that_is_not_served(api: Running) -> None:
    problem(api.http.get("/v2/search"), 404, "not-found")


def test_a_method_that_is_not_served(api: Running) -> None:
    response = api.http.delete("/v1/search")
    problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "image_id",
    ["../../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", "%2e%2e/%2e%2e/etc/passwd", "-1", "1.0", "abc",
     "9" * 19, "9" * 400, "%00", "1%0d%0aSet-Cookie:%20a=b", "\u0661\u0662", "0x10", "%252e%252e%252fetc"],
)  # fmt: skip
def test_image_ids_that_are_none(api: Running, image_id: str) -> None:
    response = api.http.get(f"/v1/images/{image_id}")
    problem(response, 404, "not-found")
    assert "set-cookie" not in response.headers
    assert "root:" not in response.text


@pytest.mark.parametrize(
    "name", ["nobody", "a" * 2_000, "%0d%0aSet-Cookie:%20a=b", "%00", "..%2f..%2fetc%2fpasswd"]
)
def test_product_ids_that_are_none(api: Running, name: str) -> None:
    response = api.http.get(f"/v1/products/{name}")
    problem(response, 404, "not-found")
    assert "set-cookie" not in response.headers


def test_a_fault_tells_nothing_of_the_server(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise RuntimeError("secret in /srv/private/catalog.sqlite3")

    monkeypatch.setattr(api.world.catalog, "products", fail)
    response = api.http.get("/v1/products/ring-1")
    problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "/srv" not in response.text
    assert response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "connection" not in response.headers  # the next request may use it
    for _ in range(20):
        assert api.http.get("/v1/products/ring-1").status_code == 500
