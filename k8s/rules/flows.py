"""The network policies of a build, worked out: every flow that is needed is open, and no other.

What is needed is read off the workloads (who is told which address, what is exposed, scraped, stored where);
what is open is computed from the policies as the API defines them: a pod that any policy of a direction picks
is closed in that direction but for the union of those policies' rules (networking/v1 NetworkPolicy).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from k8s.manifests import Document, Workload, matches, of_kind, workloads

_COMPONENT = "app.kubernetes.io/component"
_GRPC, _METRICS, _API, _DNS, _HTTPS, _POSTGRES = 8001, 8002, 8080, 53, 443, 5432
# Ports that nobody needs, tried as well: SSH, plain HTTP, Triton's HTTP, the kubelet.
_TRIED = (_GRPC, _METRICS, _API, _DNS, _HTTPS, _POSTGRES, 22, 80, 8000, 10250)


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a flow: a pod with labels in a namespace, or an address outside the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Flow:
    """`source` opens a connection to `port` of `target`."""

    source: str
    target: str
    protocol: str
    port: int

    def __str__(self) -> str:
        return f"{self.source} -> {self.target} {self.protocol}/{self.port}"


OUTSIDE = (
    Party("dns", "kube-system", (("k8s-app", "kube-dns"),)),
    Party("prometheus", "monitoring", (("app.kubernetes.io/name", "prometheus"),)),
    Party("grafana", "monitoring", (("app.kubernetes.io/name", "grafana"),)),
    Party("stranger", "default", ((_COMPONENT, "api"),)),
    Party("vpc", address="10.0.1.5"),
    Party("other-network", address="192.168.1.5"),
    Party("internet", address="203.0.113.7"),
    Party("node-metadata", address="169.254.169.254"),
)


def flows(documents: Sequence[Document]) -> Iterator[str]:
    """Needed and closed, or open and not needed."""
    is_needed, is_open = needed(documents), opened(documents)
    yield from (f"closed, but needed: {flow}" for flow in sorted(is_needed - is_open))
    yield from (f"open, but not needed: {flow}" for flow in sorted(is_open - is_needed))


def needed(documents: Sequence[Document]) -> set[Flow]:
    """What the workloads of this build must reach and be reached by."""
    needs = set()
    pods = {workload.labels.get(_COMPONENT, ""): workload for workload in workloads(documents)}
    resolvers = set()
    for name, workload in pods.items():
        if _has(workload, "configMapRef", "visionseek-settings"):
            needs |= {Flow(name, target, "TCP", _GRPC) for target in ("encoder", "search")}
            resolvers.add(name)
        if _has(workload, "name", "VISIONSEEK_DATABASE_URL"):
            needs.add(Flow(name, "vpc", "TCP", _POSTGRES))
        if any("=s3://" in str(a) for c in workload.containers for a in c.get("args") or []):
            needs |= {Flow(name, target, "TCP", _HTTPS) for target in ("internet", "vpc", "other-network")}
            resolvers.add(name)
    needs |= {Flow(name, "dns", protocol, _DNS) for name in resolvers for protocol in ("UDP", "TCP")}
    if any(of_kind(documents, "Ingress")):
        needs.add(Flow("vpc", "api", "TCP", _API))
    if any(of_kind(documents, "PodMonitor")):
        needs |= {Flow("prometheus", name, "TCP", _METRICS) for name in ("encoder", "search")}
        needs.add(Flow("prometheus", "api", "TCP", _API))
    return needs


def opened(documents: Sequence[Document]) -> set[Flow]:
    """What the policies let through, tried for every pair of parties and every port of interest."""
    policies = list(of_kind(documents, "NetworkPolicy"))
    inside = [
        Party(w.labels.get(_COMPONENT, w.name), "visionseek", tuple(w.labels.items()))
        for w in workloads(documents)
    ]
    found = set()
    for source in (*inside, *OUTSIDE):
        for target in (*inside, *OUTSIDE):
            if source is target or (source in OUTSIDE and target in OUTSIDE):
                continue
            for protocol, port in [("TCP", port) for port in _TRIED] + [("UDP", _DNS), ("UDP", _HTTPS)]:
                if _passes(policies, "Egress", source, target, (protocol, port)) and _passes(
                    policies, "Ingress", target, source, (protocol, port)
                ):
                    found.add(Flow(source.name, target.name, protocol, port))
    return found


def _passes(
    policies: Sequence[Document], direction: str, own: Party, peer: Party, port: tuple[str, int]
) -> bool:
    if own.namespace != "visionseek":
        return True  # not ours to govern
    mine = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"]
        and matches(policy["spec"].get("podSelector"), dict(own.labels))
    ]
    if not mine:
        return True
    side = "from" if direction == "Ingress" else "to"
    return any(
        _port_open(rule, *port) and _peer_open(rule.get(side), peer)
        for spec in mine
        for rule in spec.get(direction.lower()) or []
    )


def _port_open(rule: Document, protocol: str, port: int) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        entry.get("protocol", "TCP") == protocol
        and ("port" not in entry or int(entry["port"]) <= port <= int(entry.get("endPort", entry["port"])))
        for entry in ports
    )


def _peer_open(peers: list[Any] | None, peer: Party) -> bool:
    return not peers or any(_is_peer(entry, peer) for entry in peers)


def _is_peer(entry: Document, peer: Party) -> bool:
    block = entry.get("ipBlock")
    if block:
        return bool(
            peer.address
            and ip_address(peer.address) in ip_network(block["cidr"])
            and not any(ip_address(peer.address) in ip_network(hole) for hole in block.get("except") or [])
        )
    if peer.address:
        return False
    if "namespaceSelector" in entry:
        namespace = {"kubernetes.io/metadata.name": peer.namespace}
        if not matches(entry["namespaceSelector"], namespace):
            return False
    elif peer.namespace != "visionseek":
        return False
    return matches(entry.get("podSelector"), dict(peer.labels))


def _has(workload: Workload, key: str, value: str) -> bool:
    def search(node: Any) -> bool:
        if isinstance(node, list):
            return any(search(item) for item in node)
        if isinstance(node, dict):
            found = node.get(key)
            named = found.get("name") if isinstance(found, dict) else found
            return named == value or any(search(item) for item in node.values())
        return False

    return search(workload.pod.get("containers"))
