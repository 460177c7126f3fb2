"""Build every overlay and combinations of components, and hold each against schemas and rules.

    k8s/validate.sh [--every-combination]

Combinations are: none, each component, each pair, all, and all but one; all subsets with the option.
Exits 0 when nothing is wrong, 1 otherwise. Nothing outside this machine is asked.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from k8s.manifests import FOLDER, BuildError, Document, build
from k8s.rules import problems
from k8s.schemas import schema_errors


@dataclass(frozen=True, slots=True)
class Target:
    """A kustomization to build: an overlay, or the base with some components."""

    name: str
    folder: Path


def targets(scratch: Path, *, every_combination: bool) -> Iterator[Target]:
    """Every overlay, then the base with combinations of the components, written below `scratch`."""
    for overlay in sorted(path for path in (FOLDER / "overlays").iterdir() if path.is_dir()):
        yield Target(f"overlays/{overlay.name}", overlay)
    components = sorted(path for path in (FOLDER / "components").iterdir() if path.is_dir())
    most = len(components)
    for count in range(most + 1) if every_combination else sorted({0, 1, 2, most - 1, most}):
        for chosen in combinations(components, count):
            name = "base" + "".join(f" + {path.name}" for path in chosen)
            folder = scratch / name.replace(" ", "")
            folder.mkdir()
            # kustomize takes folders by relative path only; they may lie outside its root, files may not.
            lines = ["resources:", f"  - {os.path.relpath(FOLDER / 'base', folder)}"]
            if chosen:
                lines += ["components:", *(f"  - {os.path.relpath(path, folder)}" for path in chosen)]
            (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
            yield Target(name, folder)


def main() -> int:
    """Validate; see the module."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--kubectl", default="kubectl", help="kubectl 1.27 or newer")
    options.add_argument("--every-combination", action="store_true", help="all subsets, not pairs only")
    chosen = options.parse_args()
    wrong: dict[str, list[str]] = {}
    documents_seen: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        every = list(targets(Path(scratch).resolve(), every_combination=chosen.every_combination))
        for target, built in zip(every, pool.map(lambda t: _build(t, chosen.kubectl), every), strict=True):
            for problem in [built] if isinstance(built, str) else _check(built, documents_seen):
                wrong.setdefault(problem, []).append(target.name)
    for problem, names in wrong.items():
        others = f" (and in {len(names) - 1} more builds)" if len(names) > 1 else ""
        sys.stderr.write(f"{names[0]}: {problem}{others}\n")
    sys.stdout.write(
        f"{len(every)} builds, {len(documents_seen)} different documents, {len(wrong)} problems\n"
    )
    return 1 if wrong else 0


def _build(target: Target, kubectl: str) -> list[Document] | str:
    try:
        return build(target.folder, kubectl)
    except BuildError as error:
        return f"does not build: {error}"


def _check(documents: list[Document], seen: set[str]) -> Iterator[str]:
    yield from problems(documents)
    for document in documents:
        # Combinations share most documents; each different one is held against its schema once.
        key = repr(document)
        if key not in seen:
            seen.add(key)
            yield from schema_errors(document)


if __name__ == "__main__":
    sys.exit(main())
