"""Two looks at one picture: random zoom, shift, turn, light, sharpness, noise and cover, a batch at a time.

Made for throughput: a step of training sees new variations without decoding anything again. The slower,
richer simulations of whole screenshots are in `training.screenshots`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# Pixels that are kept for each pixel of a look, so that a look that zooms in is sharp still.
_OVERSAMPLING = 1.5


def vary(pixels: Tensor, size: int, generator: torch.Generator, *, strength: float = 1.0) -> Tensor:
    """Map uint8 pixels [B, S, S, 3] to varied float32 pictures [B, 3, size, size] in 0..1.

    Colour moves little on purpose: yellow, rose and white gold differ by it.
    """
    batch = _shrunk(pixels.permute(0, 3, 1, 2).float() / 255, size)
    out = _look(batch, size, generator, strength)
    out = _light(out, generator, strength)
    out = _soften(out, generator, strength)
    out = _cover(out, generator, strength)
    noise = torch.randn(out.shape, generator=generator) * 0.03 * strength
    return (out + noise * _uniform(len(out), 0, 1, generator).view(-1, 1, 1, 1)).clamp(0, 1)


def _shrunk(batch: Tensor, size: int) -> Tensor:
    """Average away what a look of `size` pixels cannot show: sampled as it is, it would turn into noise."""
    enough = math.ceil(size * _OVERSAMPLING)
    if batch.shape[-1] <= enough:
        return batch
    return functional.interpolate(batch, size=enough, mode="bilinear", antialias=True, align_corners=False)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _look(batch: Tensor, size: int, generator: torch.Generator, strength: float) -> Tensor:
    """Zoom, stretch, shift, turn and mirror; what lies outside repeats the border."""
    count = len(batch)
    scale = torch.exp(_uniform(count, math.log(1 - 0.38 * strength), math.log(1 + 0.3 * strength), generator))
    stretch = torch.exp(_uniform(count, -0.12, 0.12, generator) * strength)
    angle = _uniform(count, -0.25, 0.25, generator) * strength
    mirror = torch.where(torch.rand(count, generator=generator) < 0.5, -1.0, 1.0)
    shift = _uniform(count * 2, -0.18, 0.18, generator).view(count, 2) * strength
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    theta = torch.stack(
        [
            torch.stack([cos * stretch * mirror, -sin * stretch, shift[:, 0]], dim=1),
            torch.stack([sin * mirror / stretch, cos / stretch, shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(theta, [count, 3, size, size], align_corners=False)
    return functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)


def _light(batch: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    count = len(batch)
    gamma = torch.exp(_uniform(count, -0.35, 0.35, generator) * strength).view(-1, 1, 1, 1)
    contrast = torch.exp(_uniform(count, -0.25, 0.25, generator) * strength).view(-1, 1, 1, 1)
    tint = torch.exp(_uniform(count * 3, -0.07, 0.07, generator) * strength).view(-1, 3, 1, 1)
    mean = batch.mean((1, 2, 3), keepdim=True)
    return ((batch.clamp_min(1e-4) ** gamma - mean) * contrast + mean).clamp(0, 1) * tint


def _soften(batch: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Shrink and enlarge again half of the batch, as thumbnails and screenshots do."""
    size = batch.shape[-1]
    factor = float(_uniform(1, 1 - 0.6 * strength, 1, generator))
    small = functional.interpolate(batch, size=max(16, int(size * factor)), mode="area")
    soft = functional.interpolate(small, size=size, mode="bilinear", align_corners=False)
    chosen = (torch.rand(len(batch), generator=generator) < 0.5).view(-1, 1, 1, 1)
    return torch.where(chosen, soft, batch)


def _cover(batch: Tensor, generator: torch.Generator, strength: float) -> Tensor:
    """Put a flat bar over some pictures, as captions, buttons and pop-ups do."""
    count, _, size, _ = batch.shape
    side = torch.rand((count, 2), generator=generator) * 0.35 * strength
    corner = torch.rand((count, 2), generator=generator) * (1 - side)
    axis = torch.arange(size) / size
    inside = (axis >= corner[..., None]) & (axis < (corner + side)[..., None])
    bar = inside[:, 0, None, :, None] & inside[:, 1, None, None, :]
    colour = torch.rand((count, 3, 1, 1), generator=generator)
    chosen = (torch.rand(count, generator=generator) < 0.3).view(-1, 1, 1, 1)
    return torch.where(bar & chosen, colour, batch)
