"""Embed pictures with a PyTorch vision tower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.precision import mixed_precision


class Normaliser:
    """Turns pixels into what a vision tower eats: (x / 255 - mean) / std, channels first."""

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        self._mean = torch.tensor(mean).view(1, 3, 1, 1)
        self._std = torch.tensor(std).view(1, 3, 1, 1)

    def unit(self, pictures: Tensor) -> Tensor:
        """Normalise pictures [B, 3, S, S] in 0..1."""
        return (pictures - self._mean) / self._std

    def pixels(self, pixels: Tensor) -> Tensor:
        """Normalise uint8 pixels [B, S, S, 3]."""
        return self.unit(pixels.permute(0, 3, 1, 2).float() / 255)


@torch.inference_mode()
def embed(
    tower: nn.Module, pixels: npt.NDArray[np.uint8], normaliser: Normaliser, *, batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """Map pixels [N, S, S, 3] to unit embeddings [N, D] in bfloat16 autocast, tower in evaluation mode.

    Computed where the tower is.
    """
    was_training = tower.training
    device = next(tower.parameters()).device
    tower.eval()
    rows = []
    for start in range(0, len(pixels), batch_size):
        part = torch.from_numpy(np.ascontiguousarray(pixels[start : start + batch_size]))
        with mixed_precision(device):
            features = tower(normaliser.pixels(part).to(device))
        rows.append(functional.normalize(features.float(), dim=-1).cpu().numpy())
    tower.train(was_training)
    return np.concatenate(rows)
