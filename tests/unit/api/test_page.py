"""The page stands alone and lets nothing else run."""

import base64
import hashlib
import re

import pytest

from tests.unit.api.conftest import Running, Start


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_is_one_document_that_loads_nothing_from_elsewhere(api: Running, path: str) -> None:
    response = api.http.get(path)
    assert response.headers["content-type"].startswith("text/html")
    html = response.text
    assert "{{" not in html
    assert not re.search(r"<script[^>]+src|<link[^>]+stylesheet|@import|\son\w+=", html)
    addresses = set(re.findall(r"https?://[^\s'\"<>]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_policy_lets_exactly_the_pages_own_scripts_and_styles_run(api: Running, path: str) -> None:
    response = api.http.get(path)
    policy = response.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        for text in re.findall(f"<{tag}>(.*?)</{tag}>", response.text, re.DOTALL):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy


def test_the_page_knows_the_upload_limit(start: Start) -> None:
    assert 'content="1234"' in start(max_image_bytes=1234).http.get("/").text


@pytest.mark.parametrize("path", ["/", "/healthz", "/v1/index"])
def test_head_is_get_without_a_body(api: Running, path: str) -> None:
    response = api.http.head(path)
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == api.http.get(path).headers["content-length"]


def test_answers_that_are_data_run_nothing(api: Running) -> None:
    for path in ("/v1/index", "/nowhere", "/v1/products/ring-1"):
        headers = api.http.get(path).headers
        assert "sandbox" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_samples_are_of_different_categories_and_can_be_fetched(api: Running) -> None:
    samples = api.http.get("/page/samples").json()
    assert 4 <= len(samples) <= 6
    ids = {sample["image"]["id"] for sample in samples}
    assert len(ids) == len(samples)
    for sample in samples:
        assert api.http.get(sample["image"]["url"]).status_code == 200


def test_an_empty_catalog_offers_no_samples(api: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.world.catalog, "by_id", {})
    assert api.http.get("/page/samples").json() == []
