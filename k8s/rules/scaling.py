"""Autoscalers and disruption budgets that can do what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from k8s.manifests import Document, Workload, matches, name_of, of_kind, workloads


def autoscalers(documents: Sequence[Document]) -> Iterator[str]:
    """Targets exist and leave the count alone, least <= most, utilisation has something to be a share of."""
    found = {(w.document["kind"], w.document["metadata"]["name"]): w for w in workloads(documents)}
    scaled: set[tuple[str, str]] = set()
    for scaler in [*of_kind(documents, "HorizontalPodAutoscaler"), *of_kind(documents, "ScaledObject")]:
        spec, who = scaler["spec"], name_of(scaler)
        least = spec.get("minReplicas", spec.get("minReplicaCount", 1))
        most = spec.get("maxReplicas", spec.get("maxReplicaCount", 100))
        if not 1 <= least <= most:
            yield f"{who}: scales from {least} to {most}"
        replicas = (spec.get("fallback") or {}).get("replicas", least)
        if not least <= replicas <= most:
            yield f"{who}: falls back to {replicas}, outside {least} to {most}"
        target = (spec["scaleTargetRef"].get("kind", "Deployment"), spec["scaleTargetRef"]["name"])
        if target in scaled:
            yield f"{who}: a second autoscaler for {'/'.join(target)}"
        scaled.add(target)
        workload = found.get(target)
        if workload is None:
            yield f"{who}: its target {'/'.join(target)} does not exist"
        else:
            if "replicas" in workload.document["spec"]:
                yield f"{who}: {workload.name} sets replicas, so every apply undoes the autoscaler"
            yield from _metrics(who, spec.get("metrics") or [], workload)
        for trigger in spec.get("triggers") or []:
            if not float(trigger["metadata"].get("threshold", 0)) > 0:
                yield f"{who}: trigger {trigger['type']} has no positive threshold"


def disruption_budgets(documents: Sequence[Document]) -> Iterator[str]:
    """A budget lets at least one pod go, or a node can never be drained; every serving workload has one."""
    budgets = list(of_kind(documents, "PodDisruptionBudget"))
    for budget in budgets:
        spec = budget["spec"]
        if spec.get("maxUnavailable") in {0, "0%"} or spec.get("minAvailable") == "100%":
            yield f"{name_of(budget)}: allows no disruption at all"
        for workload in workloads(documents):
            least = spec.get("minAvailable")
            if isinstance(least, int) and matches(spec["selector"], workload.labels):
                replicas = workload.document["spec"].get("replicas", 1)
                if least >= replicas:
                    yield f"{name_of(budget)}: {least} of {replicas} pods must stay, so none may go"
    for workload in workloads(documents):
        if workload.document["kind"] in {"Deployment", "StatefulSet"} and not any(
            matches(budget["spec"]["selector"], workload.labels) for budget in budgets
        ):
            yield f"{workload.name}: no PodDisruptionBudget"


def _metrics(who: str, metrics: list[dict[str, Any]], workload: Workload) -> Iterator[str]:
    for metric in metrics:
        kind = metric["type"]
        body = metric.get(kind[0].lower() + kind[1:])
        if body is None:
            yield f"{who}: metric of type {kind} without its block"
            continue
        target = body["target"]
        if f"{target['type'][0].lower()}{target['type'][1:]}" not in {
            "utilization" if key == "averageUtilization" else key for key in target
        }:
            yield f"{who}: target type {target['type']} without its value"
        if kind == "Resource" and target["type"] == "Utilization":
            for container in workload.containers:
                if body["name"] not in ((container.get("resources") or {}).get("requests") or {}):
                    yield f"{who}: {workload.name}/{container['name']} requests no {body['name']}"
