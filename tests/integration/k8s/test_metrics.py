"""Every series that dashboards, alerts and autoscalers read exists in the real /metrics, with its labels."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import httpx

from k8s.dashboards.rows import GPU_METRICS
from k8s.expressions import expressions
from tests.integration.conftest import RunningTriton
from tests.unit.api.conftest import GOOD_PICTURE, build_world, running
from visionseek.settings import Settings

# Put on by Prometheus when it scrapes pods.
SCRAPED = {"namespace", "pod", "container", "endpoint", "job", "instance"}


def series(text: str) -> dict[str, set[str]]:
    """Names of the series in Prometheus' text format, with the labels that any of them has."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in text.splitlines():
        match = re.match(r"(\w+)(?:\{(.*)\})? ", line)
        if match:
            found[match[1]] |= set(re.findall(r'(\w+)="', match[2] or ""))
    return found


def missing(found: dict[str, set[str]], prefix: str) -> Iterator[str]:
    """Series and labels of this prefix that are not in `found`."""
    for expression in expressions():
        read = {metric for metric in expression.metrics() - GPU_METRICS if metric.startswith(prefix)}
        yield from (f"{expression.where}: no series {metric}" for metric in sorted(read - set(found)))
        for metric, label in sorted(expression.labels()):
            if metric in read & set(found) and label not in found[metric] | SCRAPED:
                yield f"{expression.where}: {metric} has no label {label}"
        if read and read <= set(found):
            known = SCRAPED.union(*(found[metric] for metric in read))
            for grouped in re.findall(r"by \(([^)]*)\)", expression.text):
                for label in sorted(set(grouped.replace(" ", "").split(",")) - known):
                    yield f"{expression.where}: groups by {label}, which none of its series has"


def test_every_series_of_triton_exists(triton: RunningTriton) -> None:
    found = series(httpx.get(triton.address.metrics, timeout=10, trust_env=False).text)
    assert "nv_inference_count" in found
    assert list(missing(found, "nv_")) == []


def test_every_series_of_the_api_exists(tmp_path: Path) -> None:
    with running(build_world(tmp_path), Settings()) as api:
        answer = api.search(GOOD_PICTURE)
        assert answer.status_code == 200
        text = api.http.get("/metrics").text
    assert list(missing(series(text), "visionseek_")) == []
    # Selectors by route name one that the API counts under.
    routes = {route for one in expressions() for route in re.findall(r'route="([^"]*)"', one.text)}
    assert routes
    assert all(f'route="{route}"' in text for route in routes)


def test_a_series_that_does_not_exist_is_noticed() -> None:
    assert any("no series visionseek_generation" in one for one in missing({}, "visionseek_"))
    found = {"visionseek_http_requests_total": {"route"}}
    wrong = list(missing(found, "visionseek_http_requests"))
    assert any("has no label status" in one for one in wrong)
    assert any("groups by status" in one for one in wrong)
