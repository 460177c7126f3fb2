"""What schema validators let through. A rule takes the documents of one build and yields what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from k8s.manifests import Document
from k8s.rules import flows, pods, references, scaling, selectors, values

Rule = Callable[[Sequence[Document]], Iterator[str]]

RULES: tuple[Rule, ...] = (
    selectors.unique_names,
    selectors.one_namespace,
    selectors.workloads_select_their_pods,
    selectors.selectors_pick_pods,
    references.ports_exist,
    references.volumes_exist,
    references.configuration_exists,
    references.ingress_backends_exist,
    values.words,
    values.quantities,
    values.images_are_pinned,
    scaling.autoscalers,
    scaling.disruption_budgets,
    pods.security,
    pods.probes,
    pods.endings,
    flows.flows,
)


def problems(documents: Sequence[Document]) -> list[str]:
    """Everything that any rule finds wrong in one build."""
    return [problem for rule in RULES for problem in rule(documents)]
