"""`python -m k8s.dashboards.generate`: write `visionseek.json`, for Grafana's import or its sidecar."""

from __future__ import annotations

import json
from pathlib import Path

from k8s.dashboards.panels import dashboard
from k8s.dashboards.rows import ROWS

PATH = Path(__file__).parent / "visionseek.json"


def render() -> str:
    """The dashboard's JSON; equal inputs give equal bytes."""
    about = "Visual product search: what shoppers see, where time goes, what Triton does."
    return json.dumps(dashboard("visionseek", "VisionSeek", about, ROWS), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(render(), encoding="utf-8")
