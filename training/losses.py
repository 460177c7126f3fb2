"""Contrastive losses over embeddings of unit length."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def multi_positive(embeddings: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss with several positives a row (Khosla et al. 2020, eq. 2, `L_out`).

    Args:
        embeddings: [N, D] of unit length.
        labels: [N]; rows of one label are positives of each other.
        temperature: divides the cosines.

    Returns:
        Scalar mean over the rows that have a positive.

    Raises:
        ValueError: no row has a positive.
    """
    logits = embeddings @ embeddings.T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    positives = (labels[:, None] == labels[None, :]) & ~itself
    counts = positives.sum(1)
    if not bool(counts.any()):
        raise ValueError("no picture of this batch has a second one of the same product")
    log_probability = logits - logits.masked_fill(itself, float("-inf")).logsumexp(1, keepdim=True)
    rows = counts > 0
    return -((log_probability * positives).sum(1)[rows] / counts[rows]).mean()


def image_text(images: Tensor, texts: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """CLIP's symmetric loss (Radford et al. 2021) with soft targets where several rows share a label.

    Args:
        images: [N, D] of unit length.
        texts: [N, D] of unit length, row i describes image i.
        labels: [N]; rows of one label have the same text, so each of them is a right answer.
        temperature: divides the cosines.
    """
    logits = images @ texts.T / temperature
    same = (labels[:, None] == labels[None, :]).to(logits.dtype)
    targets = same / same.sum(1, keepdim=True)
    return (functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)) / 2
