"""What is on disk: the generations that are kept, and whether they are what was built."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from search.generations import Generations
from search.pointer import read_pointer, serving_pointer
from search.repository import ShardRepository
from search.shards import ShardManifest, check_shard
from visionseek.errors import ArtifactError, ManifestError, VisionSeekError
from visionseek.manifests import read_manifest


def list_generations(index: Path) -> list[dict[str, Any]]:
    """One line a kept generation, oldest first; a damaged one says what its problem is."""
    generations = Generations(index)
    pointer = serving_pointer(index)
    return [
        _line(generations, number, serves=pointer is not None and pointer.generation == number)
        for number in generations.numbers()
    ]


def verify_generations(
    index: Path, repository: Path, generation: int | None, on_progress: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Check built generations, their copies in the model repository, and the pointer.

    Args:
        index: the index folder.
        repository: the model repository.
        generation: only this one; all, and the pointer, where None.
        on_progress: called with checks done and checks in all.

    Returns:
        One finding a check: `what`, `where` and `problem`, which is None where all is well.

    Raises:
        NotFound: no such generation is kept.
    """
    generations = Generations(index)
    if generation is not None:
        with suppress(ManifestError):  # that is a finding
            generations.read(generation)
    numbers = generations.numbers() if generation is None else [generation]
    checks: list[tuple[str, Path, Callable[[], object]]] = []
    if generation is None:
        checks.append(("pointer", index, partial(_check_pointer, index, repository)))
    for number in numbers:
        check = partial(generations.check, number)
        checks.append((f"generation {number}", generations.path(number), check))
    placed = ShardRepository(repository)
    for model in placed.models():
        for version in placed.versions(model):
            if generation in (None, version):
                folder = repository / model / str(version)
                checks.append((f"{model} version {version}", folder, partial(check_shard, folder)))
    findings = []
    for done, one in enumerate(checks, start=1):
        findings.append(_finding(*one))
        on_progress(done, len(checks))
    return findings


def _line(generations: Generations, number: int, *, serves: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"generation": number, "serves": serves, "problem": None}
    try:
        manifest = generations.read(number)
    except ManifestError as error:
        empty = {"created": "", "encoder_version": None, "fingerprint": "", "shards": 0, "images": 0}
        return {**line, **empty, "problem": error.what}
    return {
        **line,
        "created": manifest.created,
        "encoder_version": manifest.encoder.version,
        "fingerprint": manifest.encoder.fingerprint,
        "shards": len(manifest.shards),
        "images": manifest.images,
    }


def _finding(what: str, where: Path, check: Callable[[], object]) -> dict[str, Any]:
    try:
        check()
    except VisionSeekError as error:
        return {"what": what, "where": error.where or str(where), "problem": error.what}
    except OSError as error:
        return {"what": what, "where": str(error.filename or where), "problem": str(error.strerror or error)}
    return {"what": what, "where": str(where), "problem": None}


def _check_pointer(index: Path, repository: Path) -> None:
    """The shards that the pointer names are placed, and belong to the encoder that it names."""
    pointer = read_pointer(index)
    if pointer is None:
        return
    for shard in pointer.shards:
        manifest = read_manifest(ShardManifest, repository / shard.model / str(shard.version))
        if manifest.fingerprint != pointer.encoder.fingerprint:
            raise ArtifactError(
                f"{shard.model} belongs to encoder {manifest.fingerprint[:12]}, the pointer names "
                f"{pointer.encoder.fingerprint[:12]}"
            )
