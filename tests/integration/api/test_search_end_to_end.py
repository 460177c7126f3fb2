"""Over HTTP, through the real Triton: a picture in, products out."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.integration.api.conftest import DEADLINE_S, PRODUCTS, RunningApi
from tests.unit.api.conftest import draw, jpeg
from tests.unit.api.test_bad_pictures import png

PICTURE = jpeg(draw(4))


def test_every_product_is_found_by_its_picture(api: RunningApi) -> None:
    for number in range(PRODUCTS):
        response = api.search(jpeg(draw(number)), k=3)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["hits"][0]["product_id"] == f"R{number}"
        assert answer["hits"][0]["score"] > 0.99
        assert answer["hits"][0]["price"] == 100.5 + number
        assert answer["coverage"] == {"shards": 2, "answered": 2}
    assert {"decode", "encode", "shards", "rank", "total"} == set(answer["timings"])


def test_a_filter_reaches_the_shards_and_a_wrong_one_is_the_callers_fault(api: RunningApi) -> None:
    hits = api.search(PICTURE, k=PRODUCTS, filter='{"metal": "platinum"}').json()["hits"]
    assert {hit["metal"] for hit in hits} == {"platinum"}
    assert len(hits) == PRODUCTS // 2
    wrong = api.search(PICTURE, filter='{"colour": "red"}')
    assert wrong.status_code == 422
    assert "colour" in wrong.json()["detail"]


@pytest.mark.parametrize(
    "value",
    ['{"price": 1' + "0" * 400 + "}", '{"price": {"gte": "much"}}', '{"metal": {"near": 3}}', '{"metal": []}',
     '{"metal":' * 50 + "1" + "}" * 50, '{"metal":' * 900 + "1" + "}" * 900, '{"": null}', r'{"\ud800": 1}'],
)  # fmt: skip
def test_odd_filters_are_answered_or_the_callers_fault_and_hurt_no_one(api: RunningApi, value: str) -> None:
    assert api.search(PICTURE, filter=value).status_code == (200 if value == '{"metal": []}' else 422)
    assert api.search(PICTURE, k=1).json()["hits"][0]["product_id"] == "R4"


def test_what_an_answer_links_to_is_there(api: RunningApi) -> None:
    hit = api.search(PICTURE, k=1).json()["hits"][0]
    picture = api.http.get(hit["image"]["url"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert picture.content == PICTURE
    assert api.http.get(f"/v1/products/{hit['product_id']}").json()["title"] == "Ring 4"
    similar = api.http.get(f"/v1/products/{hit['product_id']}/similar?k=3").json()["hits"]
    assert len(similar) == 3
    assert "R4" not in {other["product_id"] for other in similar}


def test_index_readiness_page_and_samples(api: RunningApi) -> None:
    index = api.http.get("/v1/index").json()
    assert index["images"] == index["catalog"]["images"] == PRODUCTS
    ready = api.http.get("/readyz").json()
    assert ready == {"triton": True, "generation": index["generation"], "fingerprint_matches": True}
    assert "VisionSeek" in api.http.get("/").text
    assert api.http.get("/page/samples").json()
    embedding = api.http.post("/v1/embed", files={"image": ("q", PICTURE)}).json()
    assert embedding["dimension"] == index["encoder"]["dimension"]


def peak_bytes(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def test_hostile_bodies_do_not_grow_the_server(api: RunningApi) -> None:
    api.search(PICTURE)
    before = peak_bytes(api.pid)
    bomb = png(20_000, 10_000, 1, 0, bytes(2_501 * 10_000))
    for _ in range(3):
        assert api.search(bomb).status_code == 413
        assert api.search(bytes(50_000_000)).status_code == 413
        raw = {"content-type": "image/png"}
        endless = (bytes(1_000_000) for _ in range(50))
        assert api.http.post("/v1/search", content=endless, headers=raw).status_code == 413
        assert api.search(b"text").status_code == 415
    # One picture of the largest size and its copy into one piece, but no pile of them.
    assert peak_bytes(api.pid) - before < 100_000_000
    assert api.search(PICTURE, k=1).json()["hits"][0]["product_id"] == "R4"


def test_triton_killed_while_serving_is_503_in_time_and_a_restart_is_enough(api: RunningApi) -> None:
    triton = api.stack.state.triton
    assert triton is not None
    os.kill(triton.process.pid, signal.SIGKILL)
    down = 0
    until = time.monotonic() + 3
    while time.monotonic() < until:
        started = time.monotonic()
        response = api.search(PICTURE)
        assert time.monotonic() - started < DEADLINE_S + 0.5
        if response.status_code != 200:  # the first may still meet a process that is dying
            assert response.status_code == 503, response.text
            assert int(response.headers["retry-after"]) > 0
            assert response.headers["content-type"] == "application/problem+json"
            down += 1
    assert down > 3
    assert api.http.get("/healthz").status_code == 200
    assert api.http.get("/readyz").status_code == 503
    pid = api.pid
    api.stack.start()
    until = time.monotonic() + 20
    while (response := api.search(PICTURE, k=1)).status_code != 200:
        assert response.status_code in (503, 504)
        assert time.monotonic() < until, response.text
        time.sleep(0.1)
    assert response.json()["hits"][0]["product_id"] == "R4"
    assert api.pid == pid
