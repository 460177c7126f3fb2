"""Pods that hold little power, say when they are ready, and end without dropping anybody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8s.manifests import Document, workloads

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def security(documents: Sequence[Document]) -> Iterator[str]:
    """Pod Security Standards, profile "restricted", and a root file system that nobody writes to."""
    for workload in workloads(documents):
        pod, context = workload.pod, workload.pod.get("securityContext") or {}
        if not context.get("runAsNonRoot") or not context.get("runAsUser"):
            yield f"{workload.name}: may run as root"
        if (context.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
            yield f"{workload.name}: no seccomp profile"
        if pod.get("automountServiceAccountToken") is not False:
            yield f"{workload.name}: gets a token for the Kubernetes API"
        if pod.get("enableServiceLinks") is not False:
            yield f"{workload.name}: gets a VISIONSEEK_* variable for every Service"
        for word in ("hostNetwork", "hostPID", "hostIPC"):
            if pod.get(word):
                yield f"{workload.name}: {word}"
        yield from (
            f"{workload.name}: volume {volume['name']} is a folder of the node"
            for volume in pod.get("volumes") or []
            if "hostPath" in volume
        )
        for container in workload.containers:
            own, who = container.get("securityContext") or {}, f"{workload.name}/{container['name']}"
            if own.get("allowPrivilegeEscalation") is not False or own.get("privileged"):
                yield f"{who}: may gain privileges"
            if not own.get("readOnlyRootFilesystem"):
                yield f"{who}: may write to its root file system"
            if (own.get("capabilities") or {}) != {"drop": ["ALL"]}:
                yield f"{who}: keeps capabilities"
            if own.get("runAsNonRoot") is False or own.get("runAsUser") == 0:
                yield f"{who}: runs as root"


def probes(documents: Sequence[Document]) -> Iterator[str]:
    """Whatever serves says when it started, is ready, is alive."""
    for workload in workloads(documents):
        if workload.document["kind"] in {"Job", "CronJob"}:
            continue
        for container in workload.pod.get("containers") or []:
            for probe in _PROBES:
                if "httpGet" not in (container.get(probe) or {}):
                    yield f"{workload.name}/{container['name']}: no {probe}"
            live, ready = container.get("livenessProbe") or {}, container.get("readinessProbe") or {}
            if _patience(live) <= _patience(ready):
                yield f"{workload.name}/{container['name']}: is killed before it is taken out of the Service"


def endings(documents: Sequence[Document]) -> Iterator[str]:
    """SIGTERM comes after clients were told, SIGKILL after the work under way is done."""
    for workload in workloads(documents):
        if workload.document["kind"] in {"Job", "CronJob"}:
            continue
        for container in workload.pod.get("containers") or []:
            who = f"{workload.name}/{container['name']}"
            pause = (
                ((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep", {}).get("seconds", 0)
            )
            if pause < 5:
                yield f"{who}: no preStop pause of at least 5 s"
            own = [a.partition("=")[2] for a in container.get("args") or [] if "--exit-timeout-secs=" in a]
            grace = workload.pod.get("terminationGracePeriodSeconds", 30)
            if grace <= pause + int(own[0] if own else 0):
                yield f"{who}: {grace} s to end, of which {pause} s pass in preStop"


def _patience(probe: Document) -> int:
    return int(probe.get("periodSeconds", 10)) * int(probe.get("failureThreshold", 3))
