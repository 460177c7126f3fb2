"""What tuning gained: screenshots of products that it never saw, searched for among all of the catalog."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from training.adapters import merge, read_adapter
from training.embedding import Normaliser, embed
from training.evaluate.retrieval import Recall, product_ranks, recall
from training.jina_clip import JinaCLIP, Preprocessor
from training.pretrain.pictures import PictureSet


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Held-out queries and the gallery they are searched in; products are numbered as in the gallery."""

    gallery: PictureSet
    queries: PictureSet
    processor: Preprocessor


def recall_of(
    checkpoint: Path, benchmark: Benchmark, *, adapter: Path | None = None
) -> tuple[Recall, Recall]:
    """Recall@1 and recall@10 of `checkpoint`, with `adapter` merged in where one is given.

    Raises:
        CheckpointError: checkpoint or adapter cannot be read, or do not belong together.
    """
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32)
    tower: nn.Module = clip.vision_model
    if adapter is not None:
        read_adapter(adapter, checkpoint)
        tower = merge(tower, adapter)
    normaliser = Normaliser(benchmark.processor.mean, benchmark.processor.std)
    gallery, queries = benchmark.gallery, benchmark.queries
    ranks = product_ranks(
        embed(tower, queries.pixels, normaliser),
        queries.labels,
        embed(tower, gallery.pixels, normaliser),
        gallery.labels,
    )
    return recall(ranks, 1), recall(ranks, 10)
