"""Runs that have gone wrong stop at once, with the reason."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import torch
from torch import Tensor

from visionseek.errors import VisionSeekError

_GRACE_STEPS = 50
_COLLAPSED = 0.999
# Centred embeddings of four products or more span three directions at least while they are told apart.
_LEAST_DIRECTIONS = 1.1
_LEAST_PRODUCTS = 4
_WINDOW = 50
_SPIKE = 2.0
_SPIKE_STEPS = 10


class TrainingDiverged(VisionSeekError):
    """The loss is no number any more or has jumped for good, or all embeddings have become one."""


def refuse_divergence(step: int, loss: Tensor, embeddings: Tensor, *, products: int | None = None) -> None:
    """Stop a run whose loss is not finite or whose embeddings [B, D] have collapsed into one.

    Args:
        step: counted from 0.
        loss: scalar.
        embeddings: [B, D] of unit length.
        products: how many different ones the batch shows; with it, embeddings on one line are found too.

    Raises:
        TrainingDiverged: with the step and the reason.
    """
    if not bool(loss.isfinite()):
        raise TrainingDiverged(
            f"the loss is {loss.item()} at step {step}",
            mend="lower --learning-rate and resume from the last save",
        )
    if step <= _GRACE_STEPS:
        return
    # Unit vectors that are all the same have a mean of unit length.
    if mean_length(embeddings) > _COLLAPSED:
        raise TrainingDiverged(
            f"all embeddings have become one at step {step}", mend="lower --learning-rate, or raise --warmup"
        )
    if products is not None and products >= _LEAST_PRODUCTS and directions(embeddings) < _LEAST_DIRECTIONS:
        raise TrainingDiverged(
            f"the embeddings of {products} products lie on one line at step {step}",
            mend="lower --learning-rate, or raise --warmup",
        )


def refuse_gradient(step: int, norm: float) -> None:
    """Stop before a gradient that is not finite reaches the weights.

    Raises:
        TrainingDiverged: with the step.
    """
    if not math.isfinite(norm):
        raise TrainingDiverged(
            f"the gradient's norm is {norm} at step {step}",
            mend="lower --learning-rate and resume from the last save",
        )


class LossJump:
    """Finds a loss that has jumped up and stays there, which a finite loss hides from a check for NaN.

    Args:
        before: losses of the steps before, the oldest first, so that a resumed run judges as one that was
            not stopped.
    """

    def __init__(self, before: Iterable[float] = ()) -> None:
        self._recent: deque[float] = deque(maxlen=_WINDOW)
        self._high = 0
        for loss in before:
            self._take(loss)

    def refuse(self, step: int, loss: float) -> None:
        """Stop where ten losses in a row were above twice the median of the fifty before them.

        Raises:
            TrainingDiverged: with the step and both figures.
        """
        usual = self._take(loss)
        if self._high >= _SPIKE_STEPS:
            raise TrainingDiverged(
                f"the loss has jumped from {usual:.3g} to {loss:.3g} and stays there at step {step}",
                mend="lower --learning-rate and resume from the last save",
            )

    def _take(self, loss: float) -> float:
        """Count one loss; high ones do not become the usual. Returns the usual loss."""
        usual = sorted(self._recent)[len(self._recent) // 2] if len(self._recent) == _WINDOW else math.inf
        if loss > _SPIKE * usual:
            self._high += 1
        else:
            self._high = 0
            self._recent.append(loss)
        return usual


def mean_length(embeddings: Tensor) -> float:
    """Length of the mean of unit vectors [B, D]: 1 where they are all one, near 0 where they are spread."""
    return float(embeddings.detach().mean(0).norm())


@torch.no_grad()
def directions(embeddings: Tensor) -> float:
    """In how many directions the rows [B, D] vary: the participation ratio of their covariance's spectrum.

    `(sum l)^2 / sum l^2` over its eigenvalues l: 1 on a line, at most min(B - 1, D).
    """
    centred = embeddings.float() - embeddings.float().mean(0)
    gram = centred @ centred.T
    return float(gram.trace() ** 2 / gram.square().sum().clamp_min(1e-30))
