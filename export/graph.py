"""The served graph: raw pixels in, unit embeddings out, so that preprocessing cannot drift between stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class VisionGraph(nn.Module):
    """Wraps a vision tower with the arithmetic around it.

    Args:
        tower: maps normalised pixels [B, 3, S, S] float32 to features [B, D'].
        mean: of each channel, for pixels scaled to 0..1.
        std: of each channel, likewise.
        dimension: keep this many leading components (Matryoshka); None keeps all.
    """

    def __init__(
        self,
        tower: nn.Module | Callable[[Tensor], Tensor],
        *,
        mean: Sequence[float],
        std: Sequence[float],
        dimension: int | None = None,
    ) -> None:
        super().__init__()
        self.tower = tower
        self.dimension = dimension
        # (x / 255 - mean) / std as one multiply and one add.
        scale = 1.0 / (255.0 * torch.tensor(std, dtype=torch.float64))
        shift = -torch.tensor(mean, dtype=torch.float64) / torch.tensor(std, dtype=torch.float64)
        self.register_buffer("scale", scale.float().view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", shift.float().view(1, 3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map uint8 pixels [B, S, S, 3] to float32 embeddings [B, D] of unit length."""
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        features: Tensor = self.tower(pixels.permute(0, 3, 1, 2).float() * scale + shift)
        features = features[:, : self.dimension].float()
        lengths: Tensor = features.norm(dim=-1, keepdim=True)
        return features / lengths.clamp_min(1e-12)
