"""Triton down, slow or wrong; too many queries; deadlines: an honest answer, soon."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.unit.api.conftest import Running, Start, build_world, draw, jpeg, running
from tests.unit.api.test_bad_pictures import problem
from visionseek.settings import Settings

PICTURE = jpeg(draw(1))


def test_triton_down_is_503_with_retry_after_and_works_again_by_itself(api: Running) -> None:
    api.world.server.down = True
    started = time.monotonic()
    response = api.search(PICTURE)
    assert time.monotonic() - started < 2
    problem(response, 503, "unavailable")
    assert int(response.headers["retry-after"]) > 0
    api.world.server.down = False
    assert api.works()


def test_triton_that_hangs_is_504_at_the_deadline(start: Start) -> None:
    api = start(query_deadline_ms=300)
    api.world.server.delays["vision_encoder"] = 60
    try:
        started = time.monotonic()
        response = api.search(PICTURE)
        assert 0.15 < time.monotonic() - started < 1
        problem(response, 504, "deadline-exceeded")
        assert response.headers["retry-after"]
    finally:
        api.world.server.delays.clear()
    assert api.works()


def test_a_database_that_hangs_is_504_at_the_deadline(start: Start) -> None:
    api = start(query_deadline_ms=300)
    api.world.catalog.delay_s = 1.5
    try:
        started = time.monotonic()
        problem(api.search(PICTURE), 504, "deadline-exceeded")
        assert time.monotonic() - started < 1
    finally:
        api.world.catalog.delay_s = 0.0
    assert api.works()


def test_above_the_permits_the_answer_is_a_fast_429(start: Start) -> None:
    api = start(max_concurrent_queries=2)
    api.world.server.delays["vision_encoder"] = 0.6
    try:
        with ThreadPoolExecutor(2) as pool:
            busy = [pool.submit(api.search, PICTURE) for _ in range(2)]
            until = time.monotonic() + 5
            while "visionseek_queries_in_flight 2.0" not in api.http.get("/metrics").text:
                assert time.monotonic() < until
                time.sleep(0.01)
            started = time.monotonic()
            response = api.search(PICTURE)
            assert time.monotonic() - started < 0.5
            body = problem(response, 429, "overloaded")
            assert "2 of 2 queries" in body["detail"]
            assert response.headers["retry-after"] == "1"
            assert [future.result().status_code for future in busy] == [200, 200]
    finally:
        api.world.server.delays.clear()
    assert api.works()


def test_permits_come_back_after_every_kind_of_answer(start: Start) -> None:
    api = start(max_concurrent_queries=1)
    for picture in (PICTURE, b"text", PICTURE[:900], b""):
        api.search(picture)
    api.search(PICTURE, k="x")
    assert "visionseek_queries_in_flight 0.0" in api.http.get("/metrics").text
    assert api.works()


def test_health_does_not_ask_triton_and_readiness_does(api: Running) -> None:
    assert api.http.get("/readyz").json() == {"triton": True, "generation": 1, "fingerprint_matches": True}
    api.world.server.down = True
    assert api.http.get("/healthz").status_code == 200
    response = api.http.get("/readyz")
    body = problem(response, 503, "unavailable")
    assert body["checks"] == {"triton": False, "generation": 1, "fingerprint_matches": None}
    assert response.headers["retry-after"]


def test_without_a_generation_queries_get_503_and_readiness_names_the_command(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    (world.index / "current.json").unlink()
    with running(world, Settings()) as api:
        body = problem(api.http.get("/readyz"), 503, "unavailable")
        assert body["checks"]["generation"] is None
        assert "visionseek index" in body["mend"]
        response = api.search(PICTURE)
        assert problem(response, 503, "nothing-published")["mend"] == "visionseek index refresh"
        assert int(response.headers["retry-after"]) > 0
        assert str(tmp_path) not in response.text
        problem(api.http.get("/v1/index"), 503, "nothing-published")


def test_another_encoder_than_the_index_belongs_to_is_refused(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    config = tmp_path / "model_repository" / "vision_encoder" / "config.pbtxt"
    config.write_text(config.read_text().replace('string_value: "', 'string_value: "0000'))
    asyncio.run(world.server.load("vision_encoder", deadline_s=5))
    with running(world, Settings()) as api:
        body = problem(api.search(PICTURE), 503, "fingerprint-mismatch")
        assert "visionseek index" in body["mend"]
        checks = problem(api.http.get("/readyz"), 503, "unavailable")["checks"]
        assert checks["fingerprint_matches"] is False


def test_a_damaged_pointer_tells_no_path(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    (world.index / "current.json").write_text("{")
    with running(world, Settings()) as api:
        response = api.search(PICTURE)
        problem(response, 503, "unavailable")
        assert str(tmp_path) not in response.text
        assert api.http.get("/readyz").json()["checks"]["generation"] is None


def test_many_queries_at_once_are_answered_or_refused_never_lost(api: Running) -> None:
    statuses: list[int] = []
    lock = threading.Lock()

    def ask(number: int) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            response = api.search(jpeg(draw(number % 16)), k=1)
            with lock:
                statuses.append(response.status_code)
            if response.status_code != 429:
                return
            time.sleep(0.1)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(ask, range(64)))
    assert set(statuses) <= {200, 429}
    assert statuses.count(200) == 64


@pytest.mark.parametrize("name", ["requests_total", "request_seconds_bucket"])
def test_requests_are_counted_by_route_not_by_path(api: Running, name: str) -> None:
    api.http.get("/v1/products/nobody-1")
    api.http.get("/nowhere/at/all")
    text = api.http.get("/metrics").text
    assert f"visionseek_http_{name}" in text
    assert 'route="/v1/products/{product_id:path}"' in text
    assert 'route="unmatched"' in text
    assert "nobody-1" not in text
    assert "nowhere" not in text


def test_metrics_have_stages_and_coverage(api: Running) -> None:
    api.search(PICTURE)
    text = api.http.get("/metrics").text
    for stage in ("decode", "encode", "shards", "rank", "total"):
        assert f'visionseek_stage_seconds_count{{stage="{stage}"}}' in text
    for name in (
        "visionseek_shards_asked_total",
        "visionseek_shards_answered_total",
        "visionseek_generation 1.0",
    ):
        assert name in text
