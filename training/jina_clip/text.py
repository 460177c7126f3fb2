"""The text towers: post-LN transformers with mean pooling.

v1 has ALiBi and GEGLU, v2 rotary positions and adapters.
Module names are those of the published checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.jina_clip.adapters import AdaptedEmbedding, AdaptedLinear
from training.jina_clip.rotary import text_table, turn_halves
from training.jina_clip.text_config import Backbone, BertConfig, RobertaConfig

_MakeLinear: TypeAlias = Callable[[int, int], nn.Module]


class Mixer(nn.Module):
    """Self-attention; rows of `Wqkv` are ordered q, k, v."""

    def __init__(self, width: int, heads: int, linear: _MakeLinear) -> None:
        super().__init__()
        self.head_width = width // heads
        self.Wqkv = linear(width, 3 * width)
        self.out_proj = linear(width, width)

    def forward(self, x: Tensor, bias: Tensor, table: tuple[Tensor, Tensor] | None) -> Tensor:
        """[B, T, D] -> [B, T, D]; `bias` is added to the logits, `table` turns q and k."""
        query, key, value = (
            part.reshape(*x.shape[:2], -1, self.head_width).transpose(1, 2)
            for part in self.Wqkv(x).chunk(3, dim=-1)
        )
        if table is not None:
            query, key = turn_halves(query, *table), turn_halves(key, *table)
        if query.dtype == torch.float16:  # minus infinity all along a row of padding would become NaN
            bias = bias.clamp(min=torch.finfo(torch.float16).min)
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.to(query.dtype))
        return cast("Tensor", self.out_proj(mixed.transpose(1, 2).flatten(2)))


class GEGLU(nn.Module):
    """`wo(gelu(first half) * second half)`, exact GELU (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gated_layers = nn.Linear(width, 2 * hidden, bias=False)
        self.wo = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        gate, value = self.gated_layers(x).chunk(2, dim=-1)
        return cast("Tensor", self.wo(functional.gelu(gate) * value))


class MLP(nn.Module):
    """`fc2(gelu(fc1 x))`, exact GELU."""

    def __init__(self, width: int, hidden: int, linear: _MakeLinear) -> None:
        super().__init__()
        self.fc1 = linear(width, hidden)
        self.fc2 = linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        return cast("Tensor", self.fc2(functional.gelu(self.fc1(x))))


class Layer(nn.Module):
    """A post-norm transformer layer."""

    def __init__(self, config: Backbone, mixer: Mixer, mlp: nn.Module) -> None:
        super().__init__()
        self.mixer = mixer
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = mlp
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, x: Tensor, bias: Tensor, table: tuple[Tensor, Tensor] | None) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        x = self.norm1(x + self.mixer(x, bias, table))
        return cast("Tensor", self.norm2(x + self.mlp(x)))


class Embeddings(nn.Module):
    """Words plus token type 0."""

    def __init__(self, words: nn.Module, types: nn.Module) -> None:
        super().__init__()
        self.word_embeddings = words
        self.token_type_embeddings = types

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [B, T] -> [B, T, D]."""
        return cast("Tensor", self.word_embeddings(ids) + self.token_type_embeddings(torch.zeros_like(ids)))


class Encoder(nn.Module):
    """The stack of layers."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor, bias: Tensor, table: tuple[Tensor, Tensor] | None) -> Tensor:
        """[B, T, D] -> [B, T, D]."""
        for layer in self.layers:
            x = layer(x, bias, table)
        return x


class Bert(nn.Module):
    """v1: positions by ALiBi, `-slope * |i - j|` on the logits (Press et al. 2021, symmetric)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.hidden_size, config.intermediate_size
        self.embeddings = Embeddings(
            nn.Embedding(config.rows, width), nn.Embedding(config.type_vocab_size, width)
        )
        self.emb_ln = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.encoder = Encoder(
            [
                Layer(config, Mixer(width, config.num_attention_heads, nn.Linear), GEGLU(width, hidden))
                for _ in range(config.num_hidden_layers)
            ]
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Ids and mask [B, T] -> hidden states [B, T, D]."""
        steps = torch.arange(input_ids.shape[1], device=input_ids.device)
        slopes = torch.tensor(alibi_slopes(self.config.num_attention_heads), device=input_ids.device)
        distance = (steps[:, None] - steps[None, :]).abs()
        bias = mask_bias(attention_mask) - slopes[:, None, None] * distance
        return cast("Tensor", self.encoder(self.emb_ln(self.embeddings(input_ids)), bias, None))


class Roberta(nn.Module):
    """v2: rotary positions from 0, every weight with its adapters."""

    def __init__(self, config: RobertaConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.hidden_size, config.intermediate_size

        def linear(inputs: int, outputs: int) -> AdaptedLinear:
            return AdaptedLinear(inputs, outputs, config)

        self.embeddings = Embeddings(
            AdaptedEmbedding(config.vocab_size, width, config),
            AdaptedEmbedding(config.type_vocab_size, width, config),
        )
        self.emb_ln = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.encoder = Encoder(
            [
                Layer(config, Mixer(width, config.num_attention_heads, linear), MLP(width, hidden, linear))
                for _ in range(config.num_hidden_layers)
            ]
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Ids and mask [B, T] -> hidden states [B, T, D]."""
        config = self.config
        table = text_table(input_ids.shape[1], config.head_width, config.rotary_emb_base, input_ids.device)
        x = self.emb_ln(self.embeddings(input_ids))
        return cast("Tensor", self.encoder(x, mask_bias(attention_mask), table))


class TextTower(nn.Module):
    """Texts to features: ids [B, T] -> mean over the tokens that are no padding [B, D].

    It has no dropout: no training path of this project trains a published text tower.
    """

    def __init__(self, config: Backbone) -> None:
        super().__init__()
        self.config = config
        self.transformer: nn.Module
        if isinstance(config, BertConfig):
            self.transformer = Bert(config)
        else:  # the published module keeps the tower one level down
            self.transformer = nn.ModuleDict({"roberta": Roberta(config)})

    def tokens(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return hidden states [B, T, D]; those of padding mean nothing.

        Raises:
            ValueError: ids are not [B, T], or the mask has another shape.
        """
        if input_ids.ndim != 2:
            raise ValueError(f"input_ids must be [B, T], not {list(input_ids.shape)}")
        mask = self.mask(input_ids, attention_mask)
        if mask.shape != input_ids.shape:
            raise ValueError(f"attention_mask must be {list(input_ids.shape)}, not {list(mask.shape)}")
        tower = (
            self.transformer["roberta"] if isinstance(self.transformer, nn.ModuleDict) else self.transformer
        )
        return cast("Tensor", tower(input_ids, mask))

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Return un-normalised features [B, D]; without a mask, padding is what has the padding id."""
        hidden = self.tokens(input_ids, attention_mask)
        # In float32 at least: half precision would round the sum of 512 tokens.
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        weight = self.mask(input_ids, attention_mask)[..., None].to(hidden.dtype)
        return (hidden * weight).sum(1) / weight.sum(1).clamp(min=1)

    def mask(self, input_ids: Tensor, attention_mask: Tensor | None) -> Tensor:
        """Return which tokens [B, T] count, as booleans."""
        return input_ids != self.config.pad_token_id if attention_mask is None else attention_mask != 0


def mask_bias(mask: Tensor) -> Tensor:
    """Logit bias [B, 1, 1, T]: 0 on tokens, a large negative number on padding.

    Not minus infinity: a row of nothing but padding would become NaN. Not the smallest float: ALiBi is added
    to it.
    """
    return torch.zeros(mask.shape, device=mask.device).masked_fill(~mask.bool(), -1e30)[:, None, None]


def alibi_slopes(heads: int) -> list[float]:
    """Return the slope of each head: 2^(-8 i / n) for a power of two n (Press et al. 2021, section 3).

    For other counts: the slopes of the next lower power of two, then every second one of twice that power.
    """
    power = 2 ** math.floor(math.log2(heads))
    slopes = [2 ** (-8 * step / power) for step in range(1, power + 1)]
    if power < heads:
        slopes += alibi_slopes(2 * power)[::2][: heads - power]
    return slopes
