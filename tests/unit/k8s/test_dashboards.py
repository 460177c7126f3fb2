"""The dashboard is what its generator makes of the code, and fits its grid."""

import json
import re
import subprocess
import sys
from typing import Any

from k8s.dashboards import generate
from k8s.expressions import Expression, expressions


def test_generating_again_gives_the_committed_bytes() -> None:
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from k8s.dashboards.generate import render; sys.stdout.write(render())",
        ],
        check=True,
        capture_output=True,
        cwd=generate.PATH.parents[2],
        env={"PYTHONHASHSEED": "7", "PYTHONUTF8": "1"},
    )
    assert made.stdout == generate.PATH.read_bytes(), "run: python -m k8s.dashboards.generate"


def test_panels_fit_the_grid_and_do_not_overlap() -> None:
    panels: list[dict[str, Any]] = json.loads(generate.render())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_every_graph_explains_itself_and_names_its_lines() -> None:
    for panel in json.loads(generate.render())["panels"]:
        if panel["type"] == "row":
            continue
        assert panel["description"]
        assert panel["targets"]
        for target in panel["targets"]:
            for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
                grouped = re.findall(r"by \(([^)]*)\)", target["expr"])
                assert not grouped or label in ", ".join(grouped), (panel["title"], label)


def test_metrics_and_labels_are_read_out_of_an_expression() -> None:
    found = Expression("", 'sum by (le) (rate(nv_a_bucket{x="nv_b{",y=~"z"}[5m])) / visionseek_c > 1')
    assert found.metrics() == {"nv_a_bucket", "visionseek_c"}
    assert found.labels() == {("nv_a_bucket", "x"), ("nv_a_bucket", "y")}


def test_dashboards_alerts_and_autoscalers_are_all_looked_through() -> None:
    places = {expression.where.split()[0] for expression in expressions()}
    assert places == {"panel", "alert", "visionseek-encoder"}
