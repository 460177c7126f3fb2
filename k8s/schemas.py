"""Every document against the schema of its kind, offline and strictly: an unknown field or kind is an error.

Kubernetes' own kinds come from `kubernetes-validate`. The custom kinds have schemas in `crds/`, which hold
the part of KEDA's and the Prometheus operator's definitions that is used here: a field outside that part is
refused until it is added there with a look at the operator's reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate

from k8s.manifests import FOLDER, Document, name_of

# The oldest release with the native preStop sleep switched on for good, and the newest that the tool knows.
VERSIONS = ("1.34", "1.37")


def schema_errors(document: Document) -> Iterator[str]:
    """What is wrong with one document by its schema."""
    custom = _custom_schema(document.get("apiVersion", ""), document.get("kind", ""))
    if custom is not None:
        for error in jsonschema.Draft202012Validator(custom).iter_errors(document):
            yield f"{name_of(document)}: {error.json_path}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            path = ".".join(str(part) for part in error.path)
            yield f"{name_of(document)}: {path or 'document'}: {error.message} (Kubernetes {version})"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"{name_of(document)}: no such kind in {document.get('apiVersion')} (Kubernetes {version})"


@cache
def _custom_schema(api_version: str, kind: str) -> dict[str, Any] | None:
    path = FOLDER / "crds" / f"{kind.lower()}.{api_version.replace('/', '.')}.json"
    if not path.is_file():
        return None
    schema: dict[str, Any] = json.loads(path.read_text())
    return schema
