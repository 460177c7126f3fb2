"""Manifests as plain data: build a kustomization, look into pods, match labels."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]

FOLDER = Path(__file__).parent
BUILD_DEADLINE_S = 60


class BuildError(Exception):
    """kustomize refused; the message is its own."""


@dataclass(frozen=True, slots=True)
class Workload:
    """Something that makes pods.

    Attributes:
        name: `Kind/name`.
        document: the whole manifest.
        template: the pod template.
    """

    name: str
    document: Document
    template: Document

    @property
    def labels(self) -> dict[str, str]:
        """Labels of its pods."""
        labels: dict[str, str] = (self.template.get("metadata") or {}).get("labels") or {}
        return labels

    @property
    def pod(self) -> Document:
        """The pod's spec."""
        spec: Document = self.template.get("spec") or {}
        return spec

    @property
    def containers(self) -> list[Document]:
        """Init containers, then containers."""
        return [*(self.pod.get("initContainers") or []), *(self.pod.get("containers") or [])]

    @property
    def ports(self) -> list[Document]:
        """Ports of its containers."""
        return [port for container in self.containers for port in container.get("ports") or []]


def build(kustomization: Path, kubectl: str) -> list[Document]:
    """What `kubectl kustomize` makes of a folder.

    Raises:
        BuildError: it does not build.
    """
    done = subprocess.run(
        [kubectl, "kustomize", str(kustomization)],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD_DEADLINE_S,
    )
    # A warning names a deprecated field; it would become an error with the next kustomize.
    if done.returncode or done.stderr.strip():
        raise BuildError(done.stderr.strip())
    return parse(done.stdout)


def parse(text: str) -> list[Document]:
    """The documents of a YAML stream, empty ones left out."""
    # The C loader is ten times as fast where PyYAML was built with it.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(text, loader) if document]


def name_of(document: Document) -> str:
    """`Kind/name`."""
    return f"{document.get('kind')}/{(document.get('metadata') or {}).get('name')}"


def of_kind(documents: Sequence[Document], kind: str) -> Iterator[Document]:
    """Documents of one kind."""
    return (document for document in documents if document.get("kind") == kind)


def workloads(documents: Sequence[Document]) -> list[Workload]:
    """Everything that makes pods: Deployments, StatefulSets, DaemonSets, Jobs, CronJobs."""
    found = []
    for document in documents:
        spec = document.get("spec") or {}
        if document.get("kind") == "CronJob":
            spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        if document.get("kind") in {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}:
            found.append(Workload(name_of(document), document, spec.get("template") or {}))
    return found


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a label selector picks these labels; an empty one picks all.

    Source of the semantics: Kubernetes API, meta/v1 LabelSelector.
    """
    selector = selector or {}
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case other:
            raise ValueError(f"no such selector operator: {other}")
