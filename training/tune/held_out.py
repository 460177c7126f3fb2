"""What tuning gained: queries of products that it never saw, searched for among all of the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from training.adapters import merge, read_adapter
from training.embedding import Normaliser, embed
from training.evaluate.retrieval import Recall, product_ranks, recall
from training.jina_clip import JinaCLIP, Preprocessor
from training.pretrain.pictures import PictureSet, Source
from training.tune.captions import embed_captions
from training.tune.shots import Shots
from training.tune.views import plain_rows

SCREENSHOT, WHOLE, STUDIO, WORN, TEXT = "screenshot", "whole screenshot", "studio", "worn", "text"
Figures = dict[str, tuple[Recall, Recall]]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Held-out queries and the gallery that they are searched in; products are numbered as in the gallery.

    Attributes:
        gallery: all pictures of all products.
        plain: bool [pictures of the gallery], which show the product alone.
        held: int64, the rows of the gallery whose products were held out.
        shots: by slice, uint8 [n, S, S, 3] of the held-out products.
        shot_labels: int64 [n], the product of each shot.
        texts: float32 [C, D], different captions, and of each product its row or -1; None without text.
        processor: of the checkpoint.
    """

    gallery: PictureSet
    plain: npt.NDArray[np.bool_]
    held: Rows
    shots: Mapping[str, npt.NDArray[np.uint8]]
    shot_labels: Rows
    texts: tuple[npt.NDArray[np.float32], Rows] | None
    processor: Preprocessor

    @property
    def queries(self) -> int:
        """Held-out screenshots."""
        return len(self.shot_labels)


def held_out_benchmark(
    checkpoint: Path,
    gallery: PictureSet,
    held: Sequence[Source],
    shots: Shots,
    processor: Preprocessor,
) -> Benchmark:
    """Put the queries together.

    Args:
        checkpoint: whose text tower embeds the captions.
        gallery: all pictures.
        held: pictures that were held out, as `shots` were made of them.
        shots: kinds `region` and `whole`.
        processor: of the checkpoint.
    """
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32)
    captions = embed_captions(clip, checkpoint, [(caption,) for caption in gallery.captions])
    texts = None if captions is None else (captions.embeddings.numpy(), captions.first.numpy())
    made = np.flatnonzero(shots.made)
    slices = {SCREENSHOT: shots.pixels["region"][made], WHOLE: shots.pixels["whole"][made]}
    numbers = {name: number for number, name in enumerate(gallery.products)}
    products = np.array([numbers.get(source.product, -1) for source in held], dtype=np.int64)
    rows = np.flatnonzero(np.isin(gallery.labels, products))
    labels = products[shots.source[made]]
    return Benchmark(gallery, plain_rows(gallery), rows, slices, labels, texts, processor)


def recalls(tower: nn.Module, benchmark: Benchmark) -> Figures:
    """Recall@1 and recall@10 by slice.

    `screenshot` and `whole screenshot` search all pictures; `worn` searches those that show the product alone;
    `studio` (further plain pictures) and `text` search the first plain picture of each product. Slices without a
    query are left out.
    """
    gallery, normaliser = benchmark.gallery, Normaliser(benchmark.processor.mean, benchmark.processor.std)
    pictures = embed(tower, gallery.pixels, normaliser)
    plain = np.flatnonzero(benchmark.plain)
    first = plain[np.unique(gallery.labels[plain], return_index=True)[1]]
    ranks: dict[str, Rows] = {}
    for name, pixels in benchmark.shots.items():
        found = embed(tower, pixels, normaliser)
        ranks[name] = product_ranks(found, benchmark.shot_labels, pictures, gallery.labels)
    shown = set(gallery.labels[first].tolist())
    held = np.array([row for row in benchmark.held if int(gallery.labels[row]) in shown], dtype=np.int64)
    sides = {
        STUDIO: (np.setdiff1d(held[benchmark.plain[held]], first), first),
        WORN: (held[~benchmark.plain[held]], plain),
    }
    for name, (queries, among) in sides.items():
        if len(queries):
            ranks[name] = product_ranks(
                pictures[queries], gallery.labels[queries], pictures[among], gallery.labels[among]
            )
    if benchmark.texts is not None:
        texts, of_product = benchmark.texts
        asked = np.unique(of_product[gallery.labels[held]])
        asked = asked[asked >= 0]
        among = first[of_product[gallery.labels[first]] >= 0]
        if len(asked):
            # Twins with one caption are both right answers to it.
            ranks[TEXT] = product_ranks(
                texts[asked], asked, pictures[among], of_product[gallery.labels[among]]
            )
    return {name: (recall(found, 1), recall(found, 10)) for name, found in ranks.items() if len(found)}


def recalls_of(
    checkpoint: Path, benchmark: Benchmark, *, adapter: Path | None = None, device: str = "cpu"
) -> Figures:
    """`recalls` of a checkpoint, with `adapter` merged in where one is given.

    Raises:
        CheckpointError: checkpoint or adapter cannot be read, or do not belong together.
    """
    tower: nn.Module = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32).vision_model
    if adapter is not None:
        read_adapter(adapter, checkpoint)
        tower = merge(tower, adapter)
    return recalls(tower.to(device), benchmark)


def as_lists(figures: Figures) -> dict[str, dict[str, list[float]]]:
    """`{slice: {"recall@1": [value, low, high], "recall@10": ...}}`."""
    return {name: {f"recall@{one.depth}": one.as_list() for one in pair} for name, pair in figures.items()}


def for_log(figures: Figures) -> dict[str, float]:
    """Recall@1 by slice under names for a log."""
    return {f"recall@1_{name.replace(' ', '_')}": pair[0].value for name, pair in figures.items()}
