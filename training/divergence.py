"""Runs that have gone wrong stop at once, with the reason."""

from __future__ import annotations

from torch import Tensor

from visionseek.errors import VisionSeekError

_GRACE_STEPS = 50
_COLLAPSED = 0.999


class TrainingDiverged(VisionSeekError):
    """The loss is no number any more, or all embeddings have become one."""


def refuse_divergence(step: int, loss: Tensor, embeddings: Tensor) -> None:
    """Stop a run whose loss is not finite or whose embeddings [B, D] have collapsed into one.

    Raises:
        TrainingDiverged: with the step and the reason.
    """
    if not bool(loss.isfinite()):
        raise TrainingDiverged(
            f"the loss is {loss.item()} at step {step}",
            mend="lower --learning-rate and resume from the last save",
        )
    # Unit vectors that are all the same have a mean of unit length.
    if step > _GRACE_STEPS and float(embeddings.detach().mean(0).norm()) > _COLLAPSED:
        raise TrainingDiverged(
            f"all embeddings have become one at step {step}", mend="lower --learning-rate, or raise --warmup"
        )
