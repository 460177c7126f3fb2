"""Cross-batch memory: embeddings of earlier batches as further negatives and positives."""

from __future__ import annotations

import torch
from torch import Tensor


class Memory:
    """A ring of the latest embeddings (Wang et al. 2020, Cross-Batch Memory, algorithm 1).

    They are of earlier weights; with the small steps of LoRA they move slowly enough to be compared with.

    Args:
        size: embeddings that it holds.
        dimension: D.
    """

    def __init__(self, size: int, dimension: int) -> None:
        self._embeddings = torch.zeros(size, dimension)
        self._labels = torch.full((size,), -1, dtype=torch.int64)
        self._next = 0

    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Remember a batch [N, D] and its products [N] in place of the oldest."""
        size = len(self._labels)
        places = (torch.arange(min(len(labels), size)) + self._next) % size
        self._embeddings[places] = embeddings.detach()[-size:].float().cpu()
        self._labels[places] = labels[-size:].cpu()
        self._next = int((self._next + len(places)) % size)

    def filled(self) -> tuple[Tensor, Tensor]:
        """What it holds: [M, D] and [M]."""
        known = self._labels >= 0
        return self._embeddings[known], self._labels[known]

    def state(self) -> dict[str, Tensor | int]:
        """All of it, for a saved run."""
        return {"embeddings": self._embeddings.clone(), "labels": self._labels.clone(), "next": self._next}

    def load(self, state: dict[str, Tensor | int]) -> None:
        """Put back what `state` gave."""
        embeddings, labels = state["embeddings"], state["labels"]
        assert isinstance(embeddings, Tensor)
        assert isinstance(labels, Tensor)
        self._embeddings, self._labels, self._next = embeddings.clone(), labels.clone(), int(state["next"])
