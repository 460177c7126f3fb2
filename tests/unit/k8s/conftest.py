from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.manifests import FOLDER, Document, parse, workloads
from k8s.rules.selectors import NAMESPACE


def read_folder(*folders: Path) -> list[Document]:
    """The documents of plain manifest files, in the namespace that kustomize puts them into."""
    documents = [
        document
        for folder in folders
        for path in sorted(folder.rglob("*.yaml"))
        for document in parse(path.read_text())
        if document.get("kind") not in {"Kustomization", "Component"}
    ]
    for document in documents:
        document["metadata"]["namespace"] = NAMESPACE
    return documents


@pytest.fixture
def base() -> list[Document]:
    documents = read_folder(FOLDER / "base")
    for container in _containers(documents):
        container["image"] += ":1.2.3"
    return documents


def _containers(documents: list[Document]) -> Iterator[Document]:
    for workload in workloads(documents):
        yield from workload.containers
