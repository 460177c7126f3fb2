"""Each rule is quiet on the real base and speaks when one thing in it is broken."""

from collections.abc import Callable
from typing import Any

import pytest

from k8s.manifests import FOLDER, Document, matches, name_of, parse
from k8s.rules import problems
from k8s.rules.values import to_number


def find(documents: list[Document], name: str) -> Any:
    return next(document for document in documents if name_of(document) == name)


def pod(documents: list[Document], name: str) -> Any:
    spec = find(documents, name)["spec"]
    return (spec.get("jobTemplate") or {"spec": spec})["spec"]["template"]["spec"]


def container(documents: list[Document], name: str) -> Any:
    return pod(documents, name)["containers"][0]


def component(name: str, file: str) -> list[Document]:
    documents = parse((FOLDER / "components" / name / file).read_text())
    for document in documents:
        document["metadata"]["namespace"] = "visionseek"
    return documents


API, ENCODER, SEARCH = (
    "Deployment/visionseek-api",
    "Deployment/visionseek-encoder",
    "StatefulSet/visionseek-search",
)
INDEX = "CronJob/visionseek-index"


def test_the_base_has_no_problems(base: list[Document]) -> None:
    assert problems(base) == []


BROKEN: dict[str, tuple[Callable[[list[Document]], Any], str]] = {
    "label of the pods renamed": (
        lambda d: find(d, API)["spec"]["template"]["metadata"]["labels"].update(
            {"app.kubernetes.io/component": "apy"}
        ),
        "Deployment/visionseek-api: its selector does not pick its own pods",
    ),
    "two workloads with one label": (
        lambda d: find(d, SEARCH)["spec"]["template"]["metadata"]["labels"].update(
            {"app.kubernetes.io/component": "encoder"}
        ),
        "picks the pods of StatefulSet/visionseek-search too",
    ),
    "service selects nobody": (
        lambda d: find(d, "Service/visionseek-search")["spec"]["selector"].update({"x": "y"}),
        "Service/visionseek-search: its selector picks no pod",
    ),
    "budget selects nobody": (
        lambda d: find(d, "PodDisruptionBudget/visionseek-api")["spec"]["selector"]["matchLabels"].update(
            {"x": "y"}
        ),
        "PodDisruptionBudget/visionseek-api: its selector picks no pod",
    ),
    "budget that blocks every drain": (
        lambda d: find(d, "PodDisruptionBudget/visionseek-search")["spec"].update(maxUnavailable=0),
        "allows no disruption at all",
    ),
    "budget that keeps as many as there are": (
        lambda d: find(d, "PodDisruptionBudget/visionseek-search")["spec"].update(minAvailable=1),
        "1 of 1 pods must stay",
    ),
    "budget missing": (
        lambda d: d.remove(find(d, "PodDisruptionBudget/visionseek-encoder")),
        "Deployment/visionseek-encoder: no PodDisruptionBudget",
    ),
    "service with a virtual address before a StatefulSet": (
        lambda d: find(d, "Service/visionseek-search")["spec"].pop("clusterIP"),
        "no headless Service",
    ),
    "no namespace": (
        lambda d: find(d, "NetworkPolicy/visionseek-dns")["metadata"].pop("namespace"),
        "NetworkPolicy/visionseek-dns: in namespace default",
    ),
    "the same object twice": (
        lambda d: d.append(find(d, API)),
        "Deployment/visionseek-api is defined 2 times",
    ),
    "port name misspelt in a service": (
        lambda d: find(d, "Service/visionseek-api")["spec"]["ports"][0].update(targetPort="htpp"),
        "has no port htpp",
    ),
    "port name misspelt in a probe": (
        lambda d: container(d, API)["livenessProbe"]["httpGet"].update(port="web"),
        "livenessProbe: Deployment/visionseek-api has no port web",
    ),
    "policy for a port that no pod has": (
        lambda d: find(d, "NetworkPolicy/visionseek-triton")["spec"]["ingress"][0]["ports"][0].update(
            port=9001
        ),
        "has no port 9001",
    ),
    "mount without a volume": (
        lambda d: container(d, API)["volumeMounts"].append({"name": "gone", "mountPath": "/gone"}),
        "mounts gone, no such volume",
    ),
    "claim that does not exist": (
        lambda d: pod(d, INDEX)["volumes"][0]["persistentVolumeClaim"].update(claimName="dada"),
        "no PersistentVolumeClaim dada",
    ),
    "settings that do not exist": (
        lambda d: container(d, API)["envFrom"].append({"configMapRef": {"name": "visionseek-setings"}}),
        "no ConfigMap visionseek-setings",
    ),
    "secret that nobody makes": (
        lambda d: container(d, API)["envFrom"].append({"secretRef": {"name": "database"}}),
        "no Secret database",
    ),
    "service account that does not exist": (
        lambda d: pod(d, API).update(serviceAccountName="default"),
        "no ServiceAccount default",
    ),
    "word misspelt": (
        lambda d: find(d, INDEX)["spec"].update(concurrencyPolicy="Forbidden"),
        "concurrencyPolicy is 'Forbidden'",
    ),
    "word in a list misspelt": (
        lambda d: find(d, "PersistentVolumeClaim/visionseek-data")["spec"].update(
            accessModes=["ReadWriteMultiple"]
        ),
        "accessModes is 'ReadWriteMultiple'",
    ),
    "type misspelt": (
        lambda d: pod(d, API)["securityContext"]["seccompProfile"].update(type="runtime/default"),
        "is 'runtime/default'",
    ),
    "quantity that does not parse": (
        lambda d: container(d, API)["resources"]["requests"].update(memory="512MB"),
        "requests.memory is no quantity: '512MB'",
    ),
    "request above the limit": (
        lambda d: container(d, API)["resources"]["requests"].update(memory="2Gi"),
        "requests 2Gi memory, limit 1Gi",
    ),
    "no request": (lambda d: container(d, API)["resources"]["requests"].pop("cpu"), "api requests no cpu"),
    "no memory limit": (lambda d: container(d, API)["resources"].pop("limits"), "no memory limit"),
    "image that moves": (lambda d: container(d, API).update(image="visionseek-api:latest"), "not pinned"),
    "image without a version": (
        lambda d: container(d, API).update(image="registry:5000/visionseek-api"),
        "not pinned",
    ),
    "root": (lambda d: pod(d, API)["securityContext"].update(runAsNonRoot=False), "may run as root"),
    "root in one container": (
        lambda d: container(d, API)["securityContext"].update(runAsUser=0),
        "visionseek-api/api: runs as root",
    ),
    "writable root": (
        lambda d: container(d, ENCODER)["securityContext"].update(readOnlyRootFilesystem=False),
        "may write to its root file system",
    ),
    "capabilities": (
        lambda d: container(d, ENCODER)["securityContext"]["capabilities"].update(add=["SYS_PTRACE"]),
        "keeps capabilities",
    ),
    "folder of the node": (
        lambda d: pod(d, SEARCH)["volumes"][1].update(hostPath={"path": "/"}),
        "is a folder of the node",
    ),
    "token": (lambda d: pod(d, API).pop("automountServiceAccountToken"), "gets a token"),
    "variables of services": (
        lambda d: pod(d, API).pop("enableServiceLinks"),
        "gets a VISIONSEEK_* variable",
    ),
    "no readiness": (
        lambda d: container(d, API).pop("readinessProbe"),
        "visionseek-api/api: no readinessProbe",
    ),
    "killed too early": (
        lambda d: container(d, API)["livenessProbe"].update(failureThreshold=1),
        "killed before it is taken out",
    ),
    "no preStop": (lambda d: container(d, SEARCH).pop("lifecycle"), "no preStop pause"),
    "too little time to end": (
        lambda d: pod(d, SEARCH).update(terminationGracePeriodSeconds=25),
        "25 s to end, of which 15 s pass in preStop",
    ),
    "no default deny": (
        lambda d: d.remove(find(d, "NetworkPolicy/visionseek-default-deny")),
        "open, but not needed: stranger -> api TCP/8080",
    ),
    "no way to DNS": (
        lambda d: d.remove(find(d, "NetworkPolicy/visionseek-dns")),
        "needed: api -> dns UDP/53",
    ),
    "no way to Triton": (
        lambda d: d.remove(find(d, "NetworkPolicy/visionseek-api")),
        "needed: api -> encoder TCP/8001",
    ),
    "Triton's HTTP port opened": (
        lambda d: (
            find(d, "NetworkPolicy/visionseek-triton")["spec"]["ingress"][0]["ports"][0].update(
                port=8000, endPort=8001
            ),
            find(d, "NetworkPolicy/visionseek-api")["spec"]["egress"][0]["ports"][0].update(
                port=8000, endPort=8001
            ),
        ),
        "open, but not needed: api -> encoder TCP/8000",
    ),
    "same label in another namespace let in": (
        lambda d: find(d, "NetworkPolicy/visionseek-triton")["spec"]["ingress"][0]["from"][0].update(
            namespaceSelector={}
        ),
        "open, but not needed: stranger -> encoder TCP/8001",
    ),
    "anywhere": (
        lambda d: find(d, "NetworkPolicy/visionseek-index")["spec"]["egress"].append({}),
        "open, but not needed: index -> internet TCP/443",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_broken_thing_is_named(base: list[Document], case: str) -> None:
    break_it, expected = BROKEN[case]
    break_it(base)
    found = problems(base)
    assert any(expected in problem for problem in found), found


BROKEN_SCALING: dict[str, tuple[Callable[[Any], Any], str]] = {
    "least above most": (lambda hpa: hpa["spec"].update(minReplicas=20), "scales from 20 to 12"),
    "target gone": (
        lambda hpa: hpa["spec"]["scaleTargetRef"].update(name="visionseek-apy"),
        "does not exist",
    ),
    "value of another type": (
        lambda hpa: hpa["spec"]["metrics"][0]["resource"]["target"].update(type="AverageValue"),
        "target type AverageValue without its value",
    ),
    "type misspelt": (
        lambda hpa: hpa["spec"]["metrics"][0]["resource"]["target"].update(type="Utilisation"),
        "is 'Utilisation'",
    ),
    "nothing to be a share of": (
        lambda hpa: hpa["spec"]["metrics"][0]["resource"].update(name="ephemeral-storage"),
        "requests no ephemeral-storage",
    ),
}


@pytest.mark.parametrize("case", BROKEN_SCALING)
def test_an_autoscaler_that_cannot_work_is_named(base: list[Document], case: str) -> None:
    (hpa,) = component("autoscale-api", "hpa.yaml")
    del find(base, API)["spec"]["replicas"]
    assert problems([*base, hpa]) == []
    break_it, expected = BROKEN_SCALING[case]
    break_it(hpa)
    found = problems([*base, hpa])
    assert any(expected in problem for problem in found), found


def test_an_autoscaler_beside_a_fixed_count_is_named(base: list[Document]) -> None:
    found = problems([*base, *component("autoscale-encoder", "scaledobject.yaml")])
    assert any("sets replicas, so every apply undoes the autoscaler" in problem for problem in found)


def test_an_ingress_to_a_port_that_is_not_there_is_named(base: list[Document]) -> None:
    ingress, policy = (
        component("ingress-alb", "ingress.yaml")[0],
        component("ingress-alb", "networkpolicy.yaml")[0],
    )
    assert problems([*base, ingress, policy]) == []
    metrics, everything = ingress["spec"]["rules"][0]["http"]["paths"]
    assert metrics["path"] == "/metrics"
    everything["backend"]["service"]["port"]["name"] = "https"
    assert problems([*base, ingress, policy]) == [
        "Ingress/visionseek: no Service visionseek-api with port https"
    ]
    assert "closed, but needed: vpc -> api TCP/8080" in problems([*base, ingress])
    del ingress["metadata"]["annotations"]["alb.ingress.kubernetes.io/actions.no-metrics"]
    found = problems([*base, ingress, policy])
    assert "Ingress/visionseek: no annotation alb.ingress.kubernetes.io/actions.no-metrics" in found


@pytest.mark.parametrize(
    ("quantity", "number"),
    [
        ("1", 1),
        ("500m", 0.5),
        ("2Gi", 2 * 1024**3),
        ("1.5k", 1500),
        ("512MB", None),
        ("", None),
        ("-1", None),
    ],
)
def test_quantities(quantity: str, number: float | None) -> None:
    found = to_number(quantity)
    assert (None if found is None else float(found)) == number


def test_label_selectors_follow_the_api() -> None:
    labels = {"tier": "a"}
    assert matches({}, labels)
    assert matches({"matchLabels": {"tier": "a"}}, labels)
    assert not matches({"matchLabels": {"tier": "b"}}, labels)
    expression = {"key": "tier", "values": ["a", "b"]}
    assert matches({"matchExpressions": [expression | {"operator": "In"}]}, labels)
    assert not matches({"matchExpressions": [expression | {"operator": "NotIn"}]}, labels)
    assert not matches({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, labels)
    with pytest.raises(ValueError, match="operator"):
        matches({"matchExpressions": [{"key": "tier", "operator": "in"}]}, labels)
