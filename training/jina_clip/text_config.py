"""Configurations of the two text backbones, with the published base values built in.

A checkpoint's `hf_model_config_kwargs` are merged over the base of its `hf_model_name_or_path`, as the
published code does after downloading that base.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

V1_BACKBONE = "jinaai/jina-bert-flash-implementation"
V2_BACKBONE = "jinaai/jina-embeddings-v3"

# Choose a kernel, guide training or describe tokens; none of them changes an embedding of a trained
# checkpoint.
_WITHOUT_EFFECT = frozenset(
    {
        "_commit_hash", "_name_or_path", "architectures", "attention_probs_dropout_prob", "auto_map",
        "bos_token_id", "classifier_dropout", "dense_seq_output", "dtype", "emb_pooler", "eos_token_id",
        "fused_bias_fc", "fused_dropout_add_ln", "fused_mlp", "hidden_dropout_prob", "initializer_range",
        "last_layer_subset", "load_trained_adapters", "lora_dropout_p", "lora_main_params_trainable",
        "matryoshka_dimensions", "max_position_embeddings", "mlp_checkpoint_lvl", "model_type", "torch_dtype",
        "transformers_version", "truncate_dim", "use_cache", "use_flash_attn",
    }
)  # fmt: skip


# Far above every published size: a slip of the finger is told, and does not fill the memory.
_Width: TypeAlias = Annotated[int, Field(gt=0, le=65_536)]
_Depth: TypeAlias = Annotated[int, Field(gt=0, le=1000)]
_Rows: TypeAlias = Annotated[int, Field(gt=0, le=10_000_000)]


class _Backbone(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    hidden_size: _Width
    num_hidden_layers: _Depth
    num_attention_heads: _Width
    intermediate_size: _Width
    layer_norm_eps: float = Field(gt=0)
    vocab_size: _Rows
    type_vocab_size: _Rows
    pad_token_id: int = Field(ge=0)
    hidden_act: Literal["gelu"] = "gelu"

    @property
    def head_width(self) -> int:
        """Channels of one head."""
        return self.hidden_size // self.num_attention_heads

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size {self.hidden_size} is no multiple of "
                f"num_attention_heads {self.num_attention_heads}"
            )
        if self.pad_token_id >= self.vocab_size:
            raise ValueError(f"pad_token_id {self.pad_token_id} is outside vocab_size {self.vocab_size}")
        return self


class BertConfig(_Backbone):
    """v1: post-LN BERT with ALiBi and GEGLU; the base is jina-bert-flash-implementation's."""

    family: ClassVar[Literal["v1"]] = "v1"

    hidden_size: _Width = 768
    num_hidden_layers: _Depth = 12
    num_attention_heads: _Width = 12
    intermediate_size: _Width = 3072
    layer_norm_eps: float = Field(1e-12, gt=0)
    vocab_size: _Rows = 30528
    type_vocab_size: _Rows = 2
    pad_token_id: int = Field(0, ge=0)
    mlp_type: Literal["glu"] = "glu"
    position_embedding_type: Literal["alibi"] = "alibi"
    use_qk_norm: Literal[False] = False
    window_size: Literal[-1] = -1
    pad_vocab_size_multiple: _Rows = 1

    @property
    def rows(self) -> int:
        """Rows of the word embedding: the vocabulary rounded up to `pad_vocab_size_multiple`."""
        return -(-self.vocab_size // self.pad_vocab_size_multiple) * self.pad_vocab_size_multiple


class RobertaConfig(_Backbone):
    """v2: post-LN XLM-RoBERTa with rotary positions and LoRA adapters; the base is jina-embeddings-v3's."""

    family: ClassVar[Literal["v2"]] = "v2"

    hidden_size: _Width = 1024
    num_hidden_layers: _Depth = 24
    num_attention_heads: _Width = 16
    intermediate_size: _Width = 4096
    layer_norm_eps: float = Field(1e-5, gt=0)
    vocab_size: _Rows = 250002
    type_vocab_size: _Rows = 1
    pad_token_id: int = Field(1, ge=0)
    position_embedding_type: Literal["rotary"] = "rotary"
    # The published file says 20000; the default of its configuration class, 10000, would be wrong.
    rotary_emb_base: float = Field(20000.0, gt=0)
    lora_adaptations: tuple[str, ...] = Field(
        ("retrieval.query", "retrieval.passage", "separation", "classification", "text-matching"),
        min_length=1,
        strict=False,
    )
    lora_rank: _Width = 4
    lora_alpha: float = 1.0
    task_instructions: dict[str, str] = Field(default_factory=dict)
    task: str | None = Field(None, exclude=True)

    @property
    def adapter(self) -> int | None:
        """Index of the adapter that is always on; None: no adapter."""
        return None if self.task is None else self.lora_adaptations.index(self.task)

    @property
    def lora_scale(self) -> float:
        """Factor on B A: alpha / rank (Hu et al. 2021, section 4.1)."""
        return self.lora_alpha / self.lora_rank

    @model_validator(mode="after")
    def _known_task(self) -> Self:
        if self.task is not None and self.task not in self.lora_adaptations:
            raise ValueError(
                f"default_lora_task {self.task!r} is none of lora_adaptations {list(self.lora_adaptations)}"
            )
        if self.head_width % 2:
            raise ValueError(f"rotary positions need heads of even width, not {self.head_width}")
        return self


Backbone: TypeAlias = BertConfig | RobertaConfig


def build_backbone(name: str, kwargs: Mapping[str, Any], task: str | None) -> Backbone:
    """Merge keyword arguments over the built-in base of backbone `name`.

    Args:
        name: `hf_model_name_or_path` of the checkpoint.
        kwargs: its `hf_model_config_kwargs`.
        task: its `default_lora_task`.

    Raises:
        ValueError: an unknown backbone, unknown arguments (all are named), or values it does not have.
    """
    values = {key: value for key, value in kwargs.items() if key not in _WITHOUT_EFFECT}
    try:
        if name == V1_BACKBONE:
            return BertConfig(**values)
        if name == V2_BACKBONE:
            return RobertaConfig(**{**values, "task": task})
    except ValidationError as error:
        unknown = [str(item["loc"][0]) for item in error.errors() if item["type"] == "extra_forbidden"]
        wrong = [
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}".removeprefix(": ")
            for item in error.errors()
            if item["type"] != "extra_forbidden"
        ]
        if unknown:
            wrong.insert(0, f"unknown fields in hf_model_config_kwargs: {', '.join(unknown)}")
        raise ValueError("; ".join(wrong)) from error
    raise ValueError(f"hf_model_name_or_path {name!r} is unknown; known: {V1_BACKBONE}, {V2_BACKBONE}")
