"""The plot of `visionseek train augment`: plan shards, make them, look at them, write the manifest."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import features

from training.augment.chain import load_chain
from training.dataset.look import check_catalog_labels, write_contact_sheets
from training.dataset.manifest import DatasetManifest, ShardEntry
from training.dataset.plan import catalog_digests, plan_shards
from training.dataset.product import TrainingProduct
from training.dataset.recipe import Recipe
from training.dataset.shard import ShardPlan, build_shard, finished
from training.dataset.source import Reject
from training.dataset.splits import SPLITS
from training.screenshots.fonts import font_digest
from training.screenshots.template import data_digest
from visionseek.errors import InputError
from visionseek.files import sha256_bytes, write_atomically
from visionseek.manifests import FILE_NAME, write_manifest
from visionseek.workers import leave_with_parent

VERSION = 2  # of the layout and of what is drawn: raised when the same options give other samples
NOTES = ".notes"
REJECTS = "rejects.jsonl"
# A shard, its note, or either half written.
_OURS = re.compile(rf"\.?(?P<name>({'|'.join(SPLITS)})-\d{{5}}\.tar)(\.json)?(?P<half>\.[^.]+)?")

Advance = Callable[[int, int], None]
"""Told shards done and shards in all."""


def build(
    products: Sequence[TrainingProduct],
    rejects: Sequence[Reject],
    out: Path,
    recipe: Recipe,
    *,
    workers: int = 1,
    advance: Advance = lambda _done, _total: None,
) -> DatasetManifest:
    """Make the data set in `out`; a run that was interrupted goes on where it stopped.

    The same products, recipe, libraries and fonts give the same bytes. Shards of another plan in the folder
    are replaced, and what no plan names is removed from the shards.

    Raises:
        InputError: no sample could be made.
        OSError: the disk refused.
    """
    digests = catalog_digests(products)
    libraries = library_versions()
    fonts = font_digest()
    # A chain's file may have changed under its name, and templates come with the project.
    drawn = [VERSION, [load_chain(name).model_dump(mode="json") for name in recipe.chains], data_digest()]
    around = sha256_bytes(json.dumps([libraries, fonts, digests, drawn], sort_keys=True).encode())
    plans = plan_shards(products, digests, recipe, around)
    notes = out / NOTES
    (out / FILE_NAME).unlink(missing_ok=True)  # no manifest stands beside shards that it does not describe
    _remove_strangers(out, {plan.name for plan in plans})
    for done, _ in enumerate(_build_all(plans, out, notes, workers), start=1):
        advance(done, len(plans))
    told = [_note(plan, out, notes) for plan in plans]
    if not any(note["samples"] for note in told):
        raise InputError("not one picture could be used", where=str(out), mend=f"reasons are in {REJECTS}")
    left_out = [*rejects, *(Reject(*one) for note in told for one in note["rejects"])]
    write_atomically(out / REJECTS, _lines(left_out))
    write_manifest(
        DatasetManifest(
            format="webdataset",
            version=VERSION,
            seed=recipe.seed,
            recipe=recipe.model_dump(mode="json"),
            catalog_sha256=sha256_bytes(json.dumps(digests, sort_keys=True).encode()),
            products=_tally(told, lambda note: len(note["products"])),
            # Families never cross a split, but may lie in several shards of one.
            families={
                split: len(set().union(*(note["families"] for note in told if note["split"] == split)))
                for split in SPLITS
            },
            samples=_tally(told, lambda note: note["samples"]),
            composition=_composition(told),
            rejected=len(left_out),
            shards=tuple(
                ShardEntry.model_validate({name: note[name] for name in ShardEntry.model_fields})
                for note in told
            ),
            contact_sheets=write_contact_sheets(out, told),
            labels=check_catalog_labels(out, told),
            libraries=libraries,
            fonts_sha256=fonts,
        ),
        out,
    )
    return DatasetManifest.model_validate_json((out / FILE_NAME).read_bytes())


def library_versions() -> dict[str, str]:
    """Versions of everything that decides bytes."""
    names = ("jpg", "libjpeg_turbo", "webp", "zlib", "freetype2", "raqm", "fribidi", "harfbuzz")
    found = {name: str(features.version(name) or "") for name in names}
    return {"pillow": PIL.__version__, "numpy": np.__version__, **found}


def _build_all(plans: Sequence[ShardPlan], out: Path, notes: Path, workers: int) -> Iterator[None]:
    if workers <= 1 or len(plans) < 2:
        for plan in plans:
            build_shard(plan, out, notes)
            yield
        return
    # Spawned, not forked: a fork copies the locks of threads that decode pictures.
    with ProcessPoolExecutor(
        min(workers, len(plans)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=leave_with_parent,
    ) as pool:
        for task in as_completed([pool.submit(build_shard, plan, out, notes) for plan in plans]):
            task.result()
            yield


def _remove_strangers(out: Path, names: set[str]) -> None:
    """Shards of other plans, and what a killed run left half written; nothing that is not ours."""
    for folder in (out, out / NOTES):
        for path in folder.glob("*") if folder.is_dir() else ():
            ours = _OURS.fullmatch(path.name)
            if ours and (ours["half"] or ours["name"] not in names):
                path.unlink(missing_ok=True)


def _note(plan: ShardPlan, out: Path, notes: Path) -> dict[str, Any]:
    note = finished(plan, out, notes)
    assert note is not None, plan.name
    return note


def _tally(told: Sequence[Mapping[str, Any]], of: Callable[[Mapping[str, Any]], int]) -> dict[str, int]:
    return {split: sum(of(note) for note in told if note["split"] == split) for split in SPLITS}


def _composition(told: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, int]]]:
    result: dict[str, dict[str, dict[str, int]]] = {split: {} for split in SPLITS}
    for note in told:
        for slice_, value, count in note["composition"]:
            values = result[note["split"]].setdefault(slice_, {})
            values[value] = values.get(value, 0) + count
    return result


def _lines(rejects: Sequence[Reject]) -> bytes:
    return "".join(
        json.dumps({"product": one.product, "picture": one.picture, "reason": one.reason}, ensure_ascii=False)
        + "\n"
        for one in rejects
    ).encode()
