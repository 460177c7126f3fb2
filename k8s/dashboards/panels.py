"""The part of Grafana's dashboard model that is used here, as types that become JSON.

Plain dataclasses and not grafana-foundation-sdk: two kinds of panel are this one file, and the SDK would be a
dependency whose version epoch pip sorts wrongly. Source: Grafana dashboard JSON model, schema version 39.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 24
_SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Series:
    """A query and the name of its lines; `legend` takes labels, as in `{{model}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph over time, or with `stat` one number.

    Attributes:
        title: what is shown.
        about: what to make of it; the text behind the panel's "i".
        unit: Grafana's name of the unit.
        series: what is drawn.
        width: of the dashboard's 24 columns.
        stacked: whether lines add up.
        stat: whether only the last value is shown.
    """

    title: str
    about: str
    unit: str
    series: Sequence[Series]
    width: int = 8
    stacked: bool = False
    stat: bool = False

    def to_json(self, number: int, x: int, y: int, height: int) -> dict[str, Any]:
        """Grafana's model of this panel at a place."""
        return {
            "id": number,
            "type": "stat" if self.stat else "timeseries",
            "title": self.title,
            "description": self.about,
            "datasource": _SOURCE,
            "gridPos": {"h": height, "w": self.width, "x": x, "y": y},
            "fieldConfig": {"defaults": {"unit": self.unit, "min": 0, **self._drawn()}, "overrides": []},
            "options": self._options(),
            "targets": [
                {
                    "refId": chr(ord("A") + place),
                    "datasource": _SOURCE,
                    "expr": series.expr,
                    "legendFormat": series.legend,
                    "range": not self.stat,
                    "instant": self.stat,
                }
                for place, series in enumerate(self.series)
            ],
        }

    def _drawn(self) -> dict[str, Any]:
        if self.stat:
            return {}
        stacking = {"mode": "normal" if self.stacked else "none", "group": "A"}
        return {"custom": {"fillOpacity": 20 if self.stacked else 5, "lineWidth": 1, "stacking": stacking}}

    def _options(self) -> dict[str, Any]:
        if self.stat:
            return {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}}
        return {
            "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["mean", "max"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading, laid out from left to right."""

    title: str
    panels: Sequence[Panel]


def dashboard(uid: str, title: str, about: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Grafana's model of a dashboard with a choice of data source and namespace."""
    return {
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["visionseek"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source_choice(), _namespace_choice()]},
        "panels": _laid_out(rows),
    }


def _laid_out(rows: Sequence[Row]) -> list[dict[str, Any]]:
    placed: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        place = {"h": 1, "w": WIDTH, "x": 0, "y": y}
        heading = {"type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        placed.append({"id": len(placed) + 1, **heading})
        y, x = y + 1, 0
        height = 4 if all(panel.stat for panel in row.panels) else 8
        for panel in row.panels:
            if x + panel.width > WIDTH:
                x, y = 0, y + height
            placed.append(panel.to_json(len(placed) + 1, x, y, height))
            x += panel.width
        y += height
    return placed


def _source_choice() -> dict[str, Any]:
    return {
        "name": "source",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def _namespace_choice() -> dict[str, Any]:
    query = "label_values(visionseek_queries_permitted, namespace)"
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": query, "refId": "namespace"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        # Outside a cluster there is no such label: "All" then matches series without it.
        "includeAll": True,
        "allValue": ".*",
        "multi": False,
        "current": {"text": "All", "value": "$__all"},
    }
