"""The vision tower: EVA-02 as Jina CLIP configures it (Fang et al. 2023, arXiv 2303.11331)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.jina_clip.config import VisionConfig
from training.jina_clip.rotary import image_table, turn_pairs

_EPS = 1e-6


class PatchEmbedding(nn.Module):
    """Cut the picture into patches and embed each: [B, 3, H, W] -> [B, N, D]."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.width, config.patch_size, stride=config.patch_size)

    def forward(self, pixel_values: Tensor) -> Tensor:
        """Pixels beyond the last whole patch are not looked at."""
        return cast("Tensor", self.proj(pixel_values)).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Sub-LN attention with separate q and v biases and rotary positions.

    The projections are called as modules and the biases added after, so that LoRA on `q_proj`, `k_proj` and
    `v_proj` takes part in the forward pass. There is no k bias: with rotary positions it would change the
    softmax.
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        width = config.width
        self.head_width = config.head_width
        self.q_proj = nn.Linear(width, width, bias=False)
        self.k_proj = nn.Linear(width, width, bias=False)
        self.v_proj = nn.Linear(width, width, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.inner_attn_ln = nn.LayerNorm(width, eps=_EPS)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, wanted: int | None = None) -> Tensor:
        """Attend over tokens [B, N, D]; the tables broadcast to that.

        Returns:
            [B, N, D], or of the first `wanted` tokens only.
        """
        # Contiguous, because torch multiplies a strided one differently with and without gradients.
        asking = x[:, :wanted].contiguous()
        query, key, value = self.q_proj(asking), self.k_proj(x), self.v_proj(x)
        # Under autocast the biases are float32 and would bring all that follows back to it.
        query, value = query + self.q_bias.to(query.dtype), value + self.v_bias.to(value.dtype)
        query = turn_pairs(query, cos[..., :wanted, :], sin[..., :wanted, :])
        key = turn_pairs(key, cos, sin)
        mixed = functional.scaled_dot_product_attention(
            self._heads(query), self._heads(key), self._heads(value)
        )
        return cast("Tensor", self.proj(self.inner_attn_ln(mixed.transpose(1, 2).flatten(2))))

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.head_width).transpose(1, 2)


class SwiGLU(nn.Module):
    """`w3(LN(silu(w1 x) * w2 x))`: SwiGLU with the sub-LN of EVA-02."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.width, config.hidden)
        self.w2 = nn.Linear(config.width, config.hidden)
        self.ffn_ln = nn.LayerNorm(config.hidden, eps=_EPS)
        self.w3 = nn.Linear(config.hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, D] -> [B, N, D]."""
        return cast("Tensor", self.w3(self.ffn_ln(functional.silu(self.w1(x)) * self.w2(x))))


class Block(nn.Module):
    """A pre-norm transformer block."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.width, eps=_EPS)
        self.attn = Attention(config)
        self.norm2 = nn.LayerNorm(config.width, eps=_EPS)
        self.mlp = SwiGLU(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, wanted: int | None = None) -> Tensor:
        """[B, N, D] -> [B, N, D], or the first `wanted` tokens of it."""
        x = x[:, :wanted] + self.attn(self.norm1(x), cos, sin, wanted)
        return cast("Tensor", x + self.mlp(self.norm2(x)))


class VisionTower(nn.Module):
    """Pictures to features: normalised pixels [B, 3, H, W] -> the CLS token after the last norm [B, D].

    Sizes other than the configured one work: positions are interpolated and the rotary table is rebuilt.
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.width))
        self.patch_embed = PatchEmbedding(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=_EPS)
        self.register_buffer("rope_cos", torch.empty(0), persistent=False)
        self.register_buffer("rope_sin", torch.empty(0), persistent=False)
        self.build_tables()

    rope_cos: Tensor
    rope_sin: Tensor

    def build_tables(self) -> None:
        """Compute the rotary table of the configured size, on the device and in the type of the weights.

        Called again after weights are loaded: tables are not in a checkpoint, and under the meta device they
        hold nothing.
        """
        self.rope_cos, self.rope_sin = self._table(self.config.grid, self.config.grid)

    def _table(self, rows: int, columns: int) -> tuple[Tensor, Tensor]:
        like = self.pos_embed
        if (
            like.device.type == "meta"
        ):  # sizes of a configuration that no file has confirmed yet: allocate nothing
            shape = (1 + rows * columns, self.config.head_width)
            return like.new_empty(shape), like.new_empty(shape)
        with torch.device("cpu"):
            cos, sin = image_table(rows, columns, self.config.head_width, self.config.pt_hw_seq_len)
        return cos.to(like), sin.to(like)

    def forward(self, pixel_values: Tensor, looked_at: Tensor | None = None) -> Tensor:
        """Return un-normalised features [B, D].

        Args:
            pixel_values: [B, 3, H, W], normalised.
            looked_at: int64 [B, K], the patches to look at, numbered in reading order, instead of all, on
                any device; patch dropout is then off.

        Raises:
            ValueError: not floats [B, 3, H, W], or smaller than a patch.
        """
        return cast("Tensor", self.norm(self._run(pixel_values, looked_at, wanted=1)[:, 0]))

    def tokens(self, pixel_values: Tensor) -> Tensor:
        """Return all tokens [B, 1 + N, D] before the last norm, CLS first.

        Raises:
            ValueError: as `forward`.
        """
        return self._run(pixel_values, None, wanted=None)

    def _run(self, pixel_values: Tensor, looked_at: Tensor | None, wanted: int | None) -> Tensor:
        # Only the last block may leave tokens out: every other one is attended to by the next.
        x, cos, sin = self._embed(pixel_values, looked_at)
        last = len(self.blocks) - 1
        for number, block in enumerate(self.blocks):
            x = cast("Tensor", block(x, cos, sin, wanted if number == last else None))
        return x

    def _embed(self, pixel_values: Tensor, looked_at: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the tokens [B, 1 + N, D] that enter the first block, and the rotary tables."""
        patch = self.config.patch_size
        if pixel_values.ndim != 4 or pixel_values.shape[1] != 3 or min(pixel_values.shape[2:]) < patch:
            raise ValueError(
                f"pixel_values must be [B, 3, H, W] with sides of at least {patch}, "
                f"not {list(pixel_values.shape)}"
            )
        if not pixel_values.is_floating_point():
            raise ValueError(f"pixel_values must be normalised floats, not {pixel_values.dtype}")
        x = self.patch_embed(pixel_values.to(self.patch_embed.proj.weight.dtype))
        rows, columns = pixel_values.shape[2] // patch, pixel_values.shape[3] // patch
        x = torch.cat([self.cls_token.expand(x.shape[0], -1, -1).to(x.dtype), x], dim=1)
        if (rows, columns) == (self.config.grid, self.config.grid):
            positions: Tensor = self.pos_embed
            cos, sin = self.rope_cos, self.rope_sin
        else:
            positions = self._interpolate(rows, columns)
            cos, sin = self._table(rows, columns)
        x = x + positions
        # Every head turns alike.
        cos, sin = cos.repeat(1, self.config.heads), sin.repeat(1, self.config.heads)
        if looked_at is None and self.training and self.config.patch_dropout > 0:
            looked_at = self._drawn(x)
        if looked_at is not None:
            x, cos, sin = _looked_at(x, cos, sin, looked_at)
        return x, cos, sin

    def _interpolate(self, rows: int, columns: int) -> Tensor:
        grid = self.config.grid
        patches = self.pos_embed[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
        resized = functional.interpolate(
            patches.float(), size=(rows, columns), mode="bicubic", antialias=True, align_corners=False
        )
        return torch.cat(
            [self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2).to(self.pos_embed)], dim=1
        )

    def _drawn(self, x: Tensor) -> Tensor:
        """A random share of the patches of tokens [B, 1 + N, D]: int64 [B, K]."""
        patches = x.shape[1] - 1
        kept = max(1, int(patches * (1 - self.config.patch_dropout)))
        return torch.rand(x.shape[0], patches, device=x.device).topk(kept, dim=1).indices


def _looked_at(x: Tensor, cos: Tensor, sin: Tensor, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """CLS and those patches [B, K] of tokens [B, 1 + N, D], with their rows of the tables."""
    patches = patches.to(x.device)
    chosen = torch.cat([patches.new_zeros(len(patches), 1), patches + 1], dim=1)
    x = x.gather(1, chosen[..., None].expand(-1, -1, x.shape[2]))
    return x, cos[chosen], sin[chosen]
