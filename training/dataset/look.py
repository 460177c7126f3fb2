"""A finished set looked at: contact sheets for people, a nearest-neighbour check of the labels."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from training.dataset import probe
from training.dataset.contact_sheet import COLUMNS, contact_sheet
from training.dataset.manifest import LabelCheck
from training.dataset.product import LABELS
from training.dataset.reading import read_shard
from visionseek.files import write_atomically

SHEETS = "contact_sheets"
CHECKED = 3000  # pictures that the label check looks at
STUDIO = "studio"  # the view of pictures in which every attribute can be seen

Note = Mapping[str, Any]
"""What a shard says about itself."""


def write_contact_sheets(out: Path, told: Sequence[Note]) -> tuple[str, ...]:
    """One sheet a slice: for each value the eight samples whose keys hash lowest."""
    wanted: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for note in told:
        for entry in note["index"]:
            draw = hashlib.sha256(f"{note['name']}\0{entry['key']}".encode()).hexdigest()
            for slice_, value in entry.items():
                if slice_ != "key":
                    wanted.setdefault((slice_, value), []).append((draw, note["name"], entry["key"]))
    for place, found in wanted.items():
        wanted[place] = sorted(found)[:COLUMNS]
    needed: dict[str, set[str]] = {}
    for found in wanted.values():
        for _, shard, key in found:
            needed.setdefault(shard, set()).add(key)
    pictures: dict[tuple[str, str], Image.Image] = {}
    for shard, keys in needed.items():
        for sample in read_shard(out / shard):
            if sample.key in keys:
                with Image.open(io.BytesIO(sample.jpeg)) as picture:
                    picture.thumbnail((256, 256))
                    pictures[shard, sample.key] = picture.convert("RGB")
    names = []
    for slice_ in (*LABELS, "view", "source", "template"):
        values = sorted(value for name, value in wanted if name == slice_)
        rows = [(value, [pictures[s, k] for _, s, k in wanted[slice_, value]]) for value in values]
        if rows:
            names.append(f"{SHEETS}/{slice_}.png")
            write_atomically(out / names[-1], contact_sheet(slice_, rows))
    return tuple(names)


def check_catalog_labels(out: Path, told: Sequence[Note]) -> dict[str, LabelCheck]:
    """The nearest-neighbour check on the catalog's own pictures of the training split.

    Where the catalog tells which pictures are from the studio, those alone: a pendant on a person is a few pixels.
    """
    train = [note for note in told if note["split"] == "train"]
    studio = any(entry.get("view") == STUDIO for note in train for entry in note["index"])
    vectors: list[probe.Features] = []
    labels: list[dict[str, str]] = []
    families: list[str] = []
    for note in train:
        if len(vectors) >= CHECKED:
            break
        for sample in read_shard(out / note["name"]):
            facts = sample.facts
            if facts["source"] == "catalog" and (facts["view"] == STUDIO or not studio):
                with Image.open(io.BytesIO(sample.jpeg)) as picture:
                    vectors.append(probe.features(picture.convert("RGB")))
                labels.append(facts["labels"])
                families.append(facts["family"])
    return probe.check_labels(vectors, labels, families) if vectors else {}
