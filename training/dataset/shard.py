"""One shard: samples as a tar in the WebDataset layout, the same bytes on every run."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from training.dataset.product import LABELS, TrainingProduct
from training.dataset.recipe import Recipe
from training.dataset.sample import Made, Maker
from visionseek.files import sha256_bytes, write_atomically


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """What one shard will hold; all that a worker needs.

    Attributes:
        name: file name.
        split: `train`, `validation` or `test`.
        first: place of its first product in the split.
        products: whose samples it holds.
        neighbours: further products of the split that its screenshots show.
        recipe: how samples are made.
        key: sha256 over all of this; a finished shard of this key is not made again.
    """

    name: str
    split: str
    first: int
    products: tuple[TrainingProduct, ...]
    neighbours: tuple[TrainingProduct, ...]
    recipe: Recipe
    key: str


def build_shard(plan: ShardPlan, folder: Path, notes: Path) -> None:
    """Write `folder/NAME` and then its note, each whole or not at all; do nothing where both are there.

    Raises:
        OSError: the disk refused.
    """
    note = notes / f"{plan.name}.json"
    if finished(plan, folder, notes) is not None:
        return
    maker = Maker(plan.recipe, plan.neighbours)
    counts: Counter[tuple[str, str]] = Counter()
    index: list[dict[str, object]] = []
    used: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{plan.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            hashed = _Hashed(stream)
            with tarfile.open(fileobj=hashed, mode="w", format=tarfile.USTAR_FORMAT) as tar:  # type: ignore[call-overload]
                for place, product in enumerate(plan.products):
                    for made in maker.samples(plan.first + place, product):
                        _add(tar, made, plan.split)
                        _count(counts, made)
                        used[product.id] = product.family
                        index.append({"key": made.key, **_slices(made)})
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(0o644)
        Path(temporary).replace(folder / plan.name)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    content = {
        "name": plan.name,
        "split": plan.split,
        "key": plan.key,
        "sha256": hashed.digest.hexdigest(),
        "bytes": hashed.length,
        "samples": len(index),
        "products": sorted(used),
        "families": sorted(set(used.values())),
        "composition": [[slice_, value, count] for (slice_, value), count in sorted(counts.items())],
        "index": index,
        "rejects": [[one.product, one.picture, one.reason] for one in maker.rejects],
    }
    write_atomically(note, json.dumps(content, ensure_ascii=False).encode())


def finished(plan: ShardPlan, folder: Path, notes: Path) -> dict[str, object] | None:
    """The note of a shard that is there, whole and made by this very plan; else None."""
    try:
        note: dict[str, object] = json.loads((notes / f"{plan.name}.json").read_bytes())
        if note.get("key") == plan.key and (folder / plan.name).stat().st_size == note.get("bytes"):
            return note
    except (OSError, ValueError):
        return None
    return None


def plan_key(plan: ShardPlan, surroundings: str) -> str:
    """sha256 over what decides a shard's bytes, `surroundings` being libraries and fonts."""
    told = [
        [one.id, one.family, one.title, one.price, one.labels, [[p.name, p.view] for p in one.pictures]]
        for one in (*plan.products, *plan.neighbours)
    ]
    text = json.dumps([plan.name, plan.first, told, plan.recipe.model_dump(mode="json"), surroundings])
    return sha256_bytes(text.encode())


def _add(tar: tarfile.TarFile, made: Made, split: str) -> None:
    facts = json.dumps({"key": made.key, "split": split, **made.facts}, ensure_ascii=False, sort_keys=True)
    for suffix, data in (("jpg", made.jpeg), ("json", facts.encode())):
        entry = tarfile.TarInfo(f"{made.key}.{suffix}")
        entry.size = len(data)
        entry.mode = 0o644  # and time, owner and group stay 0: the same bytes on every machine
        tar.addfile(entry, io.BytesIO(data))


def _slices(made: Made) -> dict[str, str]:
    """The slice values of a sample: its labels, view, source and template."""
    labels = made.facts["labels"]
    values = {name: str(labels[name]) for name in LABELS if name in labels}
    values |= {"view": str(made.facts["view"]), "source": str(made.facts["source"])}
    if "template" in made.facts:
        values["template"] = str(made.facts["template"]).partition("+")[0]
    return values


def _count(counts: Counter[tuple[str, str]], made: Made) -> None:
    counts.update(_slices(made).items())


class _Hashed:
    """A stream that hashes and counts what goes through it; a tar is written front to back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.length = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.length += len(data)
        return self._stream.write(data)

    def tell(self) -> int:
        return self.length
