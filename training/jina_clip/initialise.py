"""Weights to start training from scratch with."""

from __future__ import annotations

import math

import torch
from torch import nn

from training.jina_clip.adapters import Factors

_STD = 0.02


def initialise(model: nn.Module, seed: int) -> None:
    """Set every weight from one seed, the same on every machine.

    Matrices, positions and CLS are a normal of deviation 0.02 cut at two deviations, norms are one, biases
    zero; the last matrix of each residual branch of block i is divided by sqrt(2 i), as BEiT and EVA-02 do
    (Bao et al. 2021, section 2.5). Adapters start as the identity.
    """
    source = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if name.endswith("logit_scale"):
            continue
        with torch.no_grad():
            if parameter.ndim > 1:
                nn.init.trunc_normal_(parameter, std=_STD, a=-2 * _STD, b=2 * _STD, generator=source)
            elif name.endswith("weight"):  # of a norm: no other weight has one axis
                parameter.fill_(1.0)
            else:
                parameter.zero_()
    for name, parameter in model.named_parameters():
        parts = name.split(".")
        if "blocks" in parts and name.endswith(("attn.proj.weight", "mlp.w3.weight")):
            depth = int(parts[parts.index("blocks") + 1]) + 1
            with torch.no_grad():
                parameter.div_(math.sqrt(2 * depth))
    for module in model.modules():
        if isinstance(module, Factors):
            nn.init.zeros_(module.lora_B)
