"""Losses over embeddings of unit length: contrastive, by class centres, and to what a model knew before."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# Cosines stay so far from 1 and -1 that the sine's derivative stays finite.
_EDGE = 1e-6


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


def image_text(images: Tensor, texts: Tensor, labels: Tensor, temperature: float | Tensor) -> Tensor:
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


def cross_batch(
    embeddings: Tensor, labels: Tensor, memory: Tensor, memory_labels: Tensor, temperature: float
) -> Tensor:
    """Multi-positive contrast of a batch with embeddings of earlier batches (Wang et al. 2020, XBM, section 3.2).

    Args:
        embeddings: [N, D] of unit length.
        labels: [N].
        memory: [M, D] of unit length, without gradients.
        memory_labels: [M].
        temperature: divides the cosines.

    Returns:
        Scalar mean over the rows that have a positive in the memory; 0 where none has.
    """
    positives = labels[:, None] == memory_labels[None, :]
    counts = positives.sum(1)
    rows = counts > 0
    if not bool(rows.any()):
        return embeddings.sum() * 0.0
    log_probability = (embeddings[rows] @ memory.T / temperature).log_softmax(1)
    return -((log_probability * positives[rows]).sum(1) / counts[rows]).mean()


def keep(embeddings: Tensor, before: Tensor) -> Tensor:
    """Mean distance `1 - cosine` of embeddings [N, D] from what they were before the tuning, [N, D]."""
    return (1 - (embeddings * before).sum(1)).mean()


class SubCentreArcFace(nn.Module):
    """Classification by product with an additive angular margin and several centres a product.

    The cosine to a class is that of its nearest sub-centre (Deng et al. 2020, Sub-center ArcFace, eq. 3), so
    that its studio and worn pictures need not share one point; the right class must win by the margin
    (Deng et al. 2019, ArcFace, eq. 3). Where angle + margin is beyond pi the cosine is lowered by
    `margin * sin(margin)` instead, which keeps it falling, as the authors' code does.

    Args:
        start: first centres [C, K, D]; any length, not zero.
        margin: in radians.
        scale: multiplies the cosines.
    """

    def __init__(self, start: Tensor, *, margin: float, scale: float) -> None:
        super().__init__()
        self.centres = nn.Parameter(functional.normalize(start.detach().clone().float(), dim=-1))
        self.margin = margin
        self.scale = scale

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of embeddings [N, D] of unit length with their classes [N]."""
        centres = functional.normalize(self.centres, dim=-1)
        cosines = torch.einsum("nd,ckd->nck", embeddings, centres).amax(2)
        right = cosines.gather(1, labels[:, None]).clamp(-1 + _EDGE, 1 - _EDGE)
        turned = right * math.cos(self.margin) - (1 - right.square()).sqrt() * math.sin(self.margin)
        beyond = right < math.cos(math.pi - self.margin)
        lowered = torch.where(beyond, right - self.margin * math.sin(self.margin), turned)
        logits = cosines.scatter(1, labels[:, None], lowered)
        return functional.cross_entropy(logits * self.scale, labels)
