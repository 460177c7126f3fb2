"""`config.json` of a Jina CLIP checkpoint: every size comes from here; the unknown is refused."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from training.jina_clip.text_config import Backbone, build_backbone
from visionseek.errors import CheckpointError

FILE_NAME = "config.json"
# Far above every published size: a slip of the finger is told, and does not fill the memory.
_MOST = 65_536
# Written by transformers around every config; none of them changes a number.
BOOKKEEPING = frozenset(
    {
        "_attn_implementation_autoset", "_commit_hash", "_name_or_path", "architectures", "auto_map", "dtype",
        "initializer_factor", "initializer_range", "torch_dtype", "transformers.js_config",
        "transformers_version", "use_text_flash_attn", "use_vision_xformers",
    }
)  # fmt: skip


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_bookkeeping(cls, document: Any) -> Any:
        if not isinstance(document, dict):
            return document
        return {key: value for key, value in document.items() if key not in BOOKKEEPING}


class VisionConfig(_Section):
    """The EVA-02 tower; absent fields have the defaults of the published configuration class.

    Switches that the published checkpoints never turn have one allowed value. `fused_layer_norm` and
    `x_attention` choose a kernel and change no number.
    """

    model_type: Literal["jina_clip_vision"] = "jina_clip_vision"
    embed_dim: int = Field(768, gt=0, le=_MOST)
    width: int = Field(768, gt=0, le=_MOST)
    image_size: int = Field(224, gt=0, le=_MOST)
    patch_size: int = Field(16, gt=0, le=_MOST)
    layers: int = Field(12, gt=0, le=1000)
    head_width: int = Field(64, gt=0, multiple_of=4)
    mlp_ratio: float = Field(4.0, gt=0, le=1000)
    patch_dropout: float = Field(0.0, ge=0, lt=1)
    pt_hw_seq_len: int = Field(16, gt=0, le=_MOST)
    intp_freq: bool = False
    qkv_bias: Literal[True] = True
    rope_embeddings: Literal[True]
    naive_swiglu: Literal[True]
    subln: Literal[True]
    post_norm: Literal[False] = False
    ls_init_value: None = None
    proj_type: None = None
    fused_layer_norm: bool = False
    x_attention: bool = False

    def to_dict(self) -> dict[str, Any]:
        """What peft asks the configuration of a model for that it wraps."""
        return self.model_dump()

    @property
    def grid(self) -> int:
        """Patches a side; pixels beyond the last whole patch are not looked at."""
        return self.image_size // self.patch_size

    @property
    def heads(self) -> int:
        """Attention heads."""
        return self.width // self.head_width

    @property
    def hidden(self) -> int:
        """Width of the SwiGLU, rounded down as the published code does."""
        return int(self.width * self.mlp_ratio)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.width % self.head_width:
            raise ValueError(f"width {self.width} is no multiple of head_width {self.head_width}")
        if self.embed_dim != self.width:
            raise ValueError(
                f"embed_dim {self.embed_dim} must equal width {self.width}: there is no projection"
            )
        if self.hidden < 1:
            raise ValueError(f"mlp_ratio {self.mlp_ratio} of width {self.width} leaves no hidden channel")
        if self.grid < 1:
            raise ValueError(f"image_size {self.image_size} is below patch_size {self.patch_size}")
        if not self.intp_freq and self.pt_hw_seq_len != self.grid:
            raise ValueError(
                f"without intp_freq, pt_hw_seq_len {self.pt_hw_seq_len} must equal the grid, {self.grid}"
            )
        return self


class TextConfig(_Section):
    """The text tower: a named backbone whose built-in base configuration the keyword arguments override."""

    model_type: Literal["jina_clip_text"] = "jina_clip_text"
    embed_dim: int = Field(768, gt=0)
    hf_model_name_or_path: str
    hf_model_config_kwargs: dict[str, Any] = Field(default_factory=dict)
    default_instruction_task: str | None = None
    default_lora_task: str | None = None
    pooler_type: Literal["mean_pooler"] = "mean_pooler"
    proj_type: None = None
    proj_bias: bool = False

    _backbone: Backbone = PrivateAttr()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._backbone = build_backbone(
            self.hf_model_name_or_path, self.hf_model_config_kwargs, self.default_lora_task
        )
        if self.embed_dim != self._backbone.hidden_size:
            raise ValueError(
                f"embed_dim {self.embed_dim} must equal hidden_size {self._backbone.hidden_size}: "
                "there is no projection"
            )
        return self

    @property
    def backbone(self) -> Backbone:
        """The base configuration with the keyword arguments merged over it."""
        return self._backbone


class JinaCLIPConfig(_Section):
    """A whole checkpoint's configuration; build it with `from_dict` or `from_folder`."""

    model_type: Literal["jina_clip"]
    vision_config: VisionConfig
    text_config: TextConfig
    projection_dim: int = Field(768, gt=0)
    add_projections: Literal[False] = False
    logit_scale_init_value: float = 2.6592
    matryoshka_dimensions: tuple[int, ...] | None = Field(None, strict=False)
    truncate_dim: int | None = Field(None, gt=0)

    _document: dict[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.text_config.embed_dim != self.vision_config.embed_dim:
            raise ValueError(
                f"embed_dim of text ({self.text_config.embed_dim}) and of vision "
                f"({self.vision_config.embed_dim}) must be equal"
            )
        if self.truncate_dim is not None and self.truncate_dim > self.dimension:
            raise ValueError(f"truncate_dim {self.truncate_dim} is above the dimension {self.dimension}")
        return self

    @property
    def dimension(self) -> int:
        """D, the length of an embedding that is not truncated."""
        return self.vision_config.embed_dim

    @property
    def family(self) -> Literal["v1", "v2"]:
        """The architecture of the text tower, by the published checkpoint that has it."""
        return self.text_config.backbone.family

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], where: str = FILE_NAME) -> JinaCLIPConfig:
        """Check and freeze a parsed `config.json`.

        Raises:
            CheckpointError: another model type, unknown fields (all are named), or values that this
                architecture does not have.
        """
        kind = document.get("model_type")
        if kind != "jina_clip":
            raise CheckpointError(
                f"model_type {kind!r} is not of the Jina CLIP family",
                where=where,
                mend="give a checkpoint in the format of jinaai/jina-clip-v1 or jinaai/jina-clip-v2",
            )
        try:
            config = cls.model_validate(dict(document))
        except ValidationError as error:
            raise CheckpointError(_explain(error), where=where) from error
        config._document.update(copy.deepcopy(dict(document)))
        return config

    @classmethod
    def from_folder(cls, folder: Path) -> JinaCLIPConfig:
        """Read `folder/config.json`.

        Raises:
            CheckpointError: missing, not JSON, or refused by `from_dict`.
        """
        path = folder / FILE_NAME
        try:
            document = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise CheckpointError(f"no {FILE_NAME} in this folder", where=str(folder)) from error
        except (OSError, ValueError, RecursionError) as error:
            raise CheckpointError(f"cannot be read as JSON ({error})", where=str(path)) from error
        if not isinstance(document, dict):
            raise CheckpointError("must be a JSON object", where=str(path))
        return cls.from_dict(document, where=str(path))

    def to_dict(self) -> dict[str, Any]:
        """The document that this was built from, bookkeeping included; what `config.json` gets again."""
        return copy.deepcopy(self._document)


def _explain(error: ValidationError) -> str:
    unknown: list[str] = []
    wrong: list[str] = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            unknown.append(name)
        elif item["type"] == "value_error":
            wrong.append(f"{name}: {item['ctx']['error']}" if name else str(item["ctx"]["error"]))
        elif item["type"] == "missing":
            wrong.append(f"{name}: missing")
        else:
            wrong.append(f"{name}: {item['msg'].lower()}, not {item['input']!r}")
    parts = [f"unknown fields: {', '.join(unknown)}"] if unknown else []
    return "; ".join(parts + wrong)
