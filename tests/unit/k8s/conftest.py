from collections.abc import Iterator
from pathlib import Path

import pytest

from k8s.manifests import FOLDER, Document, parse, workloads


def read_folder(*folders: Path) -> list[Document]:
    """The documents of plain manifest files, as they are before kustomize."""
    return [
        document
        for folder in folders
        for path in sorted(folder.rglob("*.yaml"))
        for document in parse(path.read_text())
        if document.get("kind") not in {"Kustomization", "Component"}
    ]


@pytest.fixture
def base() -> list[Document]:
    documents = read_folder(FOLDER / "base")
    for container in _containers(documents):
        container["image"] += ":1.2.3"
    return documents


def _containers(documents: list[Document]) -> Iterator[Document]:
    for workload in workloads(documents):
        yield from workload.containers
