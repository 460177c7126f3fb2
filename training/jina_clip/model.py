"""Jina CLIP: the two towers and what turns their features into embeddings."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.jina_clip import checkpoint, folder
from training.jina_clip.config import JinaCLIPConfig
from training.jina_clip.initialise import initialise
from training.jina_clip.text import TextTower
from training.jina_clip.vision import VisionTower

_log = logging.getLogger(__name__)

LORA_TARGETS = r"(?:.*\.)?blocks\.\d+\.(?:attn\.(?:q_proj|k_proj|v_proj|proj)|mlp\.(?:w1|w2|w3))"
"""For peft's `target_modules`: every linear layer of the vision tower, and nothing else of the model."""


class JinaCLIP(nn.Module):
    """A Jina CLIP checkpoint in our own modules.

    The text tower is frozen (no gradients, always in eval mode) unless `from_config` was told to train it.

    Attributes:
        config: every size.
        vision_model: pixels [B, 3, S, S] -> features [B, D].
        text_model: ids and mask [B, T] -> features [B, D].
        logit_scale: logarithm of the factor on cosines.
    """

    def __init__(self, config: JinaCLIPConfig | Mapping[str, Any], *, train_text: bool = False) -> None:
        super().__init__()
        self.config = config if isinstance(config, JinaCLIPConfig) else JinaCLIPConfig.from_dict(config)
        self.logit_scale = nn.Parameter(torch.tensor(self.config.logit_scale_init_value))
        self.text_model = TextTower(self.config.text_config.backbone)
        self.vision_model = VisionTower(self.config.vision_config)
        self.text_model.requires_grad_(train_text)
        self._source: Path | None = None
        self._warned: set[int] = set()

    @classmethod
    def from_config(
        cls, config: JinaCLIPConfig | Mapping[str, Any], *, seed: int = 0, train_text: bool = False
    ) -> JinaCLIP:
        """Build an untrained model, the same for the same seed, in eval mode.

        Args:
            config: a configuration, or a parsed `config.json`.
            seed: of the weights.
            train_text: let the text tower learn too, which only training from scratch wants.

        Raises:
            CheckpointError: a configuration that is refused.
        """
        model = cls(config, train_text=train_text)
        initialise(model, seed)
        return model.eval()

    @classmethod
    def from_pretrained(
        cls, source: str | Path, dtype: torch.dtype | str | None = None, *, revision: str | None = None
    ) -> JinaCLIP:
        """Load a checkpoint in the published format, in eval mode on the CPU.

        Args:
            source: a folder, which needs no network, or an id on the model hub.
            dtype: of the weights, such as `torch.bfloat16` or "bfloat16"; float32 if None.
            revision: commit of a hub id; the published checkpoints have one built in.

        Raises:
            CheckpointError: a file is missing, damaged or of another family, a tensor is missing, unexpected
                or of the wrong shape, or a configuration field is unknown.
            Unavailable: the hub cannot be reached and nothing is cached.
        """
        path = folder.resolve(source, revision)
        config = JinaCLIPConfig.from_folder(path)
        _log.log(*folder.licence_notice(path, config))
        with torch.device("meta"):
            model = cls(config)
        expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        model.load_state_dict(checkpoint.read_tensors(path, expected, _dtype(dtype)), assign=True)
        model.vision_model.build_tables()
        model._source = path
        return model.eval()

    def save_pretrained(self, path: str | Path) -> None:
        """Write the published format: `config.json`, `model.safetensors` with the published names.

        Files beside the weights that this was loaded with (preprocessing, tokenizer, licence) are copied
        along.

        Raises:
            OSError: the disk refused.
        """
        target = Path(path)
        target.mkdir(parents=True, exist_ok=True)
        folder.copy_companions(self._source, target)
        folder.write_config(self.config, target)
        checkpoint.write_tensors(target / checkpoint.WEIGHTS, self.state_dict())

    def train(self, mode: bool = True) -> JinaCLIP:
        """Set training mode of the towers that learn; a frozen text tower stays in eval mode."""
        super().train(mode)
        if not any(parameter.requires_grad for parameter in self.text_model.parameters()):
            self.text_model.eval()
        return self

    def encode_image(self, pixel_values: Tensor, dim: int | None = None) -> Tensor:
        """Embed pictures.

        Args:
            pixel_values: normalised pixels [B, 3, S, S] as `Preprocessor` makes them.
            dim: length to slice to before normalising (Matryoshka); the configured one if None.

        Returns:
            Unit vectors [B, dim].

        Raises:
            ValueError: a shape that is not taken, or a `dim` outside 1..D.
        """
        return self._embed(self.vision_model(pixel_values), dim)

    def encode_text(
        self, input_ids: Tensor, attention_mask: Tensor | None = None, dim: int | None = None
    ) -> Tensor:
        """Embed texts.

        Args:
            input_ids: [B, T] as `Tokenizer` makes them.
            attention_mask: [B, T], 0 on padding; taken from the padding id if None.
            dim: as for `encode_image`.

        Returns:
            Unit vectors [B, dim].

        Raises:
            ValueError: a shape that is not taken, or a `dim` outside 1..D.
        """
        return self._embed(self.text_model(input_ids, attention_mask), dim)

    def forward(
        self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor | None = None
    ) -> Tensor:
        """Return logits [texts, pictures]: cosines times `exp(logit_scale)`."""
        text = self._unit(self.text_model(input_ids, attention_mask))
        return self.logit_scale.exp() * text @ self._unit(self.vision_model(pixel_values)).T

    def _embed(self, features: Tensor, dim: int | None) -> Tensor:
        dim = self.config.truncate_dim if dim is None else dim
        if dim is not None:
            if not isinstance(dim, int) or not 1 <= dim <= self.config.dimension:
                raise ValueError(f"dim must be 1 to {self.config.dimension}, not {dim!r}")
            self._warn_of(dim)
            features = features[:, :dim]
        return self._unit(features)

    def _warn_of(self, dim: int) -> None:
        """Say once of each length that the checkpoint was not trained for it."""
        trained = (self.config.dimension, *(self.config.matryoshka_dimensions or ()))
        if dim not in trained and dim not in self._warned:
            self._warned.add(dim)
            _log.warning("this checkpoint was not trained for embeddings of %d dimensions", dim)

    @staticmethod
    def _unit(features: Tensor) -> Tensor:
        # In float32 even where the towers run in bfloat16, whose squares would be off by a percent.
        return functional.normalize(features.float(), dim=-1)


def _dtype(name: torch.dtype | str | None) -> torch.dtype:
    found = getattr(torch, name, None) if isinstance(name, str) else (name or torch.float32)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(f"dtype must be a floating point type, not {name!r}")
    return found
