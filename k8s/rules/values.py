"""Values that a schema calls a string and the API server does not: words, quantities, image names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from k8s.manifests import Document, name_of, workloads

# Kubernetes API reference 1.34; a field that means different things by kind is left out.
WORDS: dict[str, set[str]] = {
    "accessModes": {"ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"},
    "appProtocol": {"http", "grpc", "https", "kubernetes.io/h2c"},
    "behavior": {"static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"},
    "concurrencyPolicy": {"Allow", "Forbid", "Replace"},
    "effect": {"NoSchedule", "PreferNoSchedule", "NoExecute"},
    "fsGroupChangePolicy": {"OnRootMismatch", "Always"},
    "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "medium": {"", "Memory"},
    "metricType": {"AverageValue", "Value", "Utilization"},
    "operator": {"In", "NotIn", "Exists", "DoesNotExist", "Equal", "Gt", "Lt"},
    "pathType": {"Exact", "Prefix", "ImplementationSpecific"},
    "podManagementPolicy": {"OrderedReady", "Parallel"},
    "policyTypes": {"Ingress", "Egress"},
    "protocol": {"TCP", "UDP", "SCTP"},
    "reclaimPolicy": {"Retain", "Delete"},
    "restartPolicy": {"Always", "OnFailure", "Never"},
    "scheme": {"HTTP", "HTTPS"},
    "unhealthyPodEvictionPolicy": {"IfHealthyBudget", "AlwaysAllow"},
    "volumeBindingMode": {"Immediate", "WaitForFirstConsumer"},
    "whenUnsatisfiable": {"DoNotSchedule", "ScheduleAnyway"},
}
TYPES: dict[str, set[str]] = {
    "seccompProfile": {"RuntimeDefault", "Localhost", "Unconfined"},
    "target": {"Utilization", "Value", "AverageValue"},
    "spec": {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"},  # of a Service
    "strategy": {"RollingUpdate", "Recreate"},
    "updateStrategy": {"RollingUpdate", "OnDelete"},
    "policies": {"Pods", "Percent"},
    "metrics": {"Resource", "ContainerResource", "Pods", "Object", "External"},
}
_SUFFIXES: dict[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGT", 1)},
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGT", 1)},
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_IMAGE = re.compile(r"[a-z0-9./_:-]+:(?P<tag>[\w][\w.-]*)|[a-z0-9./_:-]+@sha256:[0-9a-f]{64}")
_FLOATING = {"latest", "main", "master", "edge", "stable", "nightly"}


def words(documents: Sequence[Document]) -> Iterator[str]:
    """Fields that take one of a few words have one of them."""
    for document in documents:
        for path, parent, key, value in _walk(document):
            allowed = TYPES.get(parent) if key == "type" else WORDS.get(key)
            if allowed is not None and isinstance(value, str) and value not in allowed:
                yield f"{name_of(document)}: {path} is {value!r}, not one of {', '.join(sorted(allowed))}"


def quantities(documents: Sequence[Document]) -> Iterator[str]:
    """Quantities parse, and no container requests more than its limit."""
    for document in documents:
        for path, parent, key, value in _walk(document):
            if (parent in {"requests", "limits"} or key == "sizeLimit") and to_number(value) is None:
                yield f"{name_of(document)}: {path} is no quantity: {value!r}"
    for workload in workloads(documents):
        for container in workload.containers:
            resources = container.get("resources") or {}
            requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
            for name in sorted(set(requests) & set(limits)):
                request, limit = to_number(requests[name]), to_number(limits[name])
                if request is not None and limit is not None and request > limit:
                    yield f"{workload.name}: requests {requests[name]} {name}, limit {limits[name]}"
            missing = {"cpu", "memory"} - set(requests)
            yield from (
                f"{workload.name}: {container['name']} requests no {name}" for name in sorted(missing)
            )
            if "memory" not in limits:
                yield f"{workload.name}: {container['name']} has no memory limit"


def images_are_pinned(documents: Sequence[Document]) -> Iterator[str]:
    """Every image has a version of its own, never one that moves."""
    for workload in workloads(documents):
        for container in workload.containers:
            found = _IMAGE.fullmatch(container.get("image", ""))
            if not found or (found["tag"] or "").lower() in _FLOATING:
                yield f"{workload.name}: image {container.get('image')!r} is not pinned to a version"


def to_number(quantity: Any) -> Decimal | None:
    """A Kubernetes quantity in base units (cores, bytes), or None where it is none."""
    found = _QUANTITY.fullmatch(str(quantity))
    return Decimal(found[1]) * _SUFFIXES[found[2] or ""] if found else None


def _walk(node: Any, path: str = "", parent: str = "") -> Iterator[tuple[str, str, str, Any]]:
    """Every scalar as (path, name of the enclosing field, own field, value)."""
    if isinstance(node, dict):
        for key, value in node.items():
            here = f"{path}.{key}".lstrip(".")
            if isinstance(value, dict | list):
                scalars = [item for item in value if not isinstance(item, dict | list)]
                if isinstance(value, list):
                    yield from ((here, parent, key, item) for item in scalars)
                yield from _walk(value, here, key)
            else:
                yield here, parent, key, value
    elif isinstance(node, list):
        for number, item in enumerate(node):
            yield from _walk(item, f"{path}[{number}]", parent)
