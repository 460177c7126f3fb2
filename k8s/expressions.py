"""Every PromQL expression of dashboards, alerts and autoscalers, and the metrics that it reads.

`python -m k8s.expressions` prints them as recording rules, for `promtool check rules`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from k8s.dashboards.generate import PATH
from k8s.manifests import FOLDER, parse

_METRIC = re.compile(r"\b((?:nv|visionseek)_[a-z_]+)\b")
_SELECTOR = re.compile(r"\b((?:nv|visionseek)_[a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_STRING = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Expression:
    """A PromQL expression and where it stands."""

    where: str
    text: str

    def metrics(self) -> set[str]:
        """Names of the series that it reads."""
        return set(_METRIC.findall(_STRING.sub('""', self.text)))

    def labels(self) -> set[tuple[str, str]]:
        """(metric, label) for every label that a selector matches on."""
        return {
            (metric, label)
            for metric, matchers in _SELECTOR.findall(self.text)
            for label in _MATCHER.findall(_STRING.sub('""', matchers))
        }

    def plain(self) -> str:
        """With Grafana's variables filled in, as Prometheus takes it."""
        return self.text.replace("$__rate_interval", "5m").replace("$namespace", ".*")


def expressions() -> Iterator[Expression]:
    """All of them."""
    for panel in json.loads(PATH.read_text(encoding="utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield Expression(f"panel {panel['title']!r}", target["expr"])
    for document in parse((FOLDER / "components/monitoring/rules.yaml").read_text(encoding="utf-8")):
        for group in document["spec"]["groups"]:
            yield from (Expression(f"alert {rule['alert']}", rule["expr"]) for rule in group["rules"])
    for document in parse(
        (FOLDER / "components/autoscale-encoder/scaledobject.yaml").read_text(encoding="utf-8")
    ):
        for trigger in document["spec"]["triggers"]:
            yield Expression(document["metadata"]["name"], trigger["metadata"]["query"])


if __name__ == "__main__":
    rules = [{"record": f"checked:{n}", "expr": one.plain()} for n, one in enumerate(expressions())]
    yaml.safe_dump({"groups": [{"name": "checked", "rules": rules}]}, sys.stdout)
