"""Selectors pick what they are meant to pick: a mismatch builds, validates, and serves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from k8s.manifests import Document, matches, name_of, of_kind, workloads

NAMESPACE = "visionseek"
_CLUSTER_WIDE = {"Namespace", "StorageClass"}


def unique_names(documents: Sequence[Document]) -> Iterator[str]:
    """No two documents are the same object."""
    counted = Counter((document.get("apiVersion"), name_of(document)) for document in documents)
    yield from (f"{name} is defined {count} times" for (_, name), count in counted.items() if count > 1)


def one_namespace(documents: Sequence[Document]) -> Iterator[str]:
    """Everything is where the workloads are: without a namespace it would land in `default` and find nobody."""
    for document in documents:
        namespace = document["metadata"].get("namespace")
        if document["kind"] not in _CLUSTER_WIDE and namespace != NAMESPACE:
            yield f"{name_of(document)}: in namespace {namespace or 'default'}, not {NAMESPACE}"


def workloads_select_their_pods(documents: Sequence[Document]) -> Iterator[str]:
    """A Deployment's selector picks its own pods and nobody else's."""
    found = workloads(documents)
    for workload in found:
        if workload.document["kind"] in {"Job", "CronJob"}:
            continue
        selector = workload.document["spec"].get("selector") or {}
        if not selector or not matches(selector, workload.labels):
            yield f"{workload.name}: its selector does not pick its own pods"
        for other in found:
            if other is not workload and selector and matches(selector, other.labels):
                yield f"{workload.name}: its selector picks the pods of {other.name} too"


def selectors_pick_pods(documents: Sequence[Document]) -> Iterator[str]:
    """Services and disruption budgets pick one workload, policies and monitors at least one."""
    found = workloads(documents)
    for document in documents:
        spec = document.get("spec") or {}
        selector = {
            "Service": {"matchLabels": spec.get("selector")},
            "PodDisruptionBudget": spec.get("selector"),
            "NetworkPolicy": spec.get("podSelector"),
            "PodMonitor": spec.get("selector"),
        }.get(document.get("kind", ""))
        if selector is None:
            continue
        picked = [workload.name for workload in found if matches(selector, workload.labels)]
        if not picked:
            yield f"{name_of(document)}: its selector picks no pod"
        if document["kind"] in {"Service", "PodDisruptionBudget"} and len(picked) > 1:
            yield f"{name_of(document)}: its selector picks several workloads: {', '.join(picked)}"
    for document in of_kind(documents, "StatefulSet"):
        service = document["spec"].get("serviceName")
        heads = [d for d in of_kind(documents, "Service") if d["metadata"]["name"] == service]
        if not heads or heads[0]["spec"].get("clusterIP") != "None":
            yield f"{name_of(document)}: serviceName {service} is no headless Service here"
