"""Weights with built-in LoRA adapters, as the v2 text tower stores them.

Tensor names are those of `torch.nn.utils.parametrize`, in which the checkpoints were written. The adapter
acts as `W x + s B (A x)`, which equals the merged weight and costs a fraction of the published code's rebuild
of a 250,002 x 1,024 table on every call; the stored tensors stay as they are, so that saving gives them back
bit by bit.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.jina_clip.text_config import RobertaConfig


class Factors(nn.Module):
    """The two low-rank factors of every adapter: the first axis counts the adaptations."""

    def __init__(self, a: tuple[int, int, int], b: tuple[int, int, int]) -> None:
        super().__init__()
        self.lora_A = nn.Parameter(torch.zeros(a))
        self.lora_B = nn.Parameter(torch.zeros(b))


class AdaptedWeight(nn.Module):
    """A weight as stored, `original` and factors `0`, and the adapter that is always on.

    Args:
        shape: of the weight.
        factors: of the adapters.
        config: names the adapter and its scale.
    """

    def __init__(self, shape: tuple[int, int], factors: Factors, config: RobertaConfig) -> None:
        super().__init__()
        self.original = nn.Parameter(torch.zeros(shape))
        self.add_module("0", factors)
        self.adapter = config.adapter
        self.scale = config.lora_scale

    @property
    def active(self) -> tuple[Tensor, Tensor] | None:
        """A and B of the adapter that is on, or None."""
        if self.adapter is None:
            return None
        factors = self.get_submodule("0")
        assert isinstance(factors, Factors)
        return factors.lora_A[self.adapter], factors.lora_B[self.adapter]


class AdaptedLinear(nn.Module):
    """A linear layer whose weight [out, in] carries adapters A [n, r, in] and B [n, out, r]."""

    def __init__(self, inputs: int, outputs: int, config: RobertaConfig) -> None:
        super().__init__()
        count, rank = len(config.lora_adaptations), config.lora_rank
        factors = Factors((count, rank, inputs), (count, outputs, rank))
        self.parametrizations = nn.ModuleDict({"weight": AdaptedWeight((outputs, inputs), factors, config)})
        self.bias = nn.Parameter(torch.zeros(outputs))

    @property
    def _stored(self) -> AdaptedWeight:
        stored = self.parametrizations["weight"]
        assert isinstance(stored, AdaptedWeight)
        return stored

    @property
    def weight(self) -> Tensor:
        """The weight with the adapter merged: W + s B A."""
        stored = self._stored
        if stored.active is None:
            return stored.original
        a, b = stored.active
        return stored.original + stored.scale * (b @ a)

    def forward(self, x: Tensor) -> Tensor:
        """[..., in] -> [..., out]."""
        stored = self._stored
        y = functional.linear(x, stored.original, self.bias)
        if stored.active is None:
            return y
        a, b = stored.active
        return y + stored.scale * functional.linear(functional.linear(x, a), b)


class AdaptedEmbedding(nn.Module):
    """An embedding whose table [rows, width] carries adapters A [n, rows, r] and B [n, r, width]."""

    def __init__(self, rows: int, width: int, config: RobertaConfig) -> None:
        super().__init__()
        count, rank = len(config.lora_adaptations), config.lora_rank
        factors = Factors((count, rows, rank), (count, rank, width))
        self.parametrizations = nn.ModuleDict({"weight": AdaptedWeight((rows, width), factors, config)})

    @property
    def _stored(self) -> AdaptedWeight:
        stored = self.parametrizations["weight"]
        assert isinstance(stored, AdaptedWeight)
        return stored

    @property
    def weight(self) -> Tensor:
        """The table with the adapter merged: W + s A B."""
        stored = self._stored
        if stored.active is None:
            return stored.original
        a, b = stored.active
        return stored.original + stored.scale * (a @ b)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [...] -> [..., width]; only the rows looked up are adapted."""
        stored = self._stored
        rows = functional.embedding(ids, stored.original)
        if stored.active is None:
            return rows
        a, b = stored.active
        return rows + stored.scale * (functional.embedding(ids, a) @ b)
