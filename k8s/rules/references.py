"""Whatever is named exists: ports, volumes, claims, ConfigMaps, Secrets, service accounts, back ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from k8s.manifests import Document, Workload, matches, name_of, of_kind, workloads

# Made by hand, because they hold what must not be in a repository.
SECRETS_OF_THE_OPERATOR = {"visionseek-database"}


def ports_exist(documents: Sequence[Document]) -> Iterator[str]:
    """Ports of Services, probes, monitors and policies are ports of the pods that they mean."""
    found = workloads(documents)
    for service in of_kind(documents, "Service"):
        selector = {"matchLabels": service["spec"].get("selector")}
        for port in service["spec"].get("ports") or []:
            yield from _has_port(
                name_of(service), port.get("targetPort", port["port"]), _picked(found, selector)
            )
    for monitor in of_kind(documents, "PodMonitor"):
        for endpoint in monitor["spec"].get("podMetricsEndpoints") or []:
            yield from _has_port(
                name_of(monitor), endpoint.get("port"), _picked(found, monitor["spec"]["selector"])
            )
    for policy in of_kind(documents, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress") or []:
            for port in rule.get("ports") or []:
                yield from _has_port(
                    name_of(policy), port.get("port"), _picked(found, policy["spec"].get("podSelector"))
                )
    for workload in found:
        for container in workload.containers:
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                action = (container.get(probe) or {}).get("httpGet")
                if action:
                    yield from _has_port(f"{workload.name} {probe}", action["port"], [workload])


def volumes_exist(documents: Sequence[Document]) -> Iterator[str]:
    """Mounts name volumes, every volume is mounted, claims exist."""
    claims = {document["metadata"]["name"] for document in of_kind(documents, "PersistentVolumeClaim")}
    for workload in workloads(documents):
        volumes = {volume["name"]: volume for volume in workload.pod.get("volumes") or []}
        mounted = {m["name"] for c in workload.containers for m in c.get("volumeMounts") or []}
        yield from (
            f"{workload.name}: mounts {name}, no such volume" for name in sorted(mounted - set(volumes))
        )
        yield from (
            f"{workload.name}: volume {name} is not mounted" for name in sorted(set(volumes) - mounted)
        )
        for volume in volumes.values():
            claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if claim and claim not in claims:
                yield f"{workload.name}: no PersistentVolumeClaim {claim}"


def configuration_exists(documents: Sequence[Document]) -> Iterator[str]:
    """ConfigMaps, Secrets and service accounts that pods name."""
    maps = {document["metadata"]["name"] for document in of_kind(documents, "ConfigMap")}
    accounts = {document["metadata"]["name"] for document in of_kind(documents, "ServiceAccount")}
    for workload in workloads(documents):
        if workload.pod.get("serviceAccountName") not in accounts:
            yield f"{workload.name}: no ServiceAccount {workload.pod.get('serviceAccountName')}"
        for kind, name in _configuration(workload.pod):
            if name not in (maps if kind == "ConfigMap" else SECRETS_OF_THE_OPERATOR):
                yield f"{workload.name}: no {kind} {name}"


def ingress_backends_exist(documents: Sequence[Document]) -> Iterator[str]:
    """An Ingress sends to Services and ports that exist, or to an answer of the balancer's that is described."""
    ports: dict[str, set[str | int]] = {
        service["metadata"]["name"]: {
            value for port in service["spec"]["ports"] for value in (port.get("name"), port["port"]) if value
        }
        for service in of_kind(documents, "Service")
    }
    for ingress in of_kind(documents, "Ingress"):
        for rule in ingress["spec"].get("rules") or []:
            for path in (rule.get("http") or {}).get("paths") or []:
                service = path["backend"]["service"]
                port = service["port"].get("name", service["port"].get("number"))
                if port == "use-annotation":  # AWS Load Balancer Controller: a custom action
                    action = f"alb.ingress.kubernetes.io/actions.{service['name']}"
                    if action not in ingress["metadata"].get("annotations", {}):
                        yield f"{name_of(ingress)}: no annotation {action}"
                    continue
                if port not in ports.get(service["name"], set()):
                    yield f"{name_of(ingress)}: no Service {service['name']} with port {port}"


def _picked(found: list[Workload], selector: Any) -> list[Workload]:
    return [workload for workload in found if matches(selector, workload.labels)]


def _has_port(who: str, port: str | int | None, targets: list[Workload]) -> Iterator[str]:
    for target in targets:
        key = "name" if isinstance(port, str) else "containerPort"
        if port not in [entry.get(key) for entry in target.ports]:
            yield f"{who}: {target.name} has no port {port}"


def _configuration(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for item in node:
            yield from _configuration(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in {"configMapRef", "configMapKeyRef", "configMap"}:
                yield "ConfigMap", value["name"]
            elif key in {"secretRef", "secretKeyRef"}:
                yield "Secret", value["name"]
            elif key == "secret":
                yield "Secret", value["secretName"]
            else:
                yield from _configuration(value)
