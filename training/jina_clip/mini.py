"""The configuration of visionseek-mini: this architecture, small enough to live in a repository.

An ordinary `config.json` of the v1 family; no code asks whether a checkpoint is this one. Vision 6.7 M
parameters at 224 px, text 3.0 M with a WordPiece vocabulary of its own. The SwiGLU is 704 = 11 * 64 wide,
because matrix units of CPUs and GPUs work on multiples of 64; the published ratio would give 682.
"""

from __future__ import annotations

from typing import Any, Final

from training.jina_clip.text_config import V1_BACKBONE

VOCABULARY: Final = 4096
"""Size of the WordPiece vocabulary."""

MINI: Final[dict[str, Any]] = {
    "model_type": "jina_clip",
    "architectures": ["JinaCLIPModel"],
    "add_projections": False,
    "logit_scale_init_value": 2.6592,
    "matryoshka_dimensions": [64, 128, 256],
    "projection_dim": 256,
    "torch_dtype": "float32",
    "text_config": {
        "model_type": "jina_clip_text",
        "embed_dim": 256,
        "hf_model_name_or_path": V1_BACKBONE,
        "hf_model_config_kwargs": {
            "hidden_size": 256,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "intermediate_size": 512,
            "vocab_size": VOCABULARY,
            "use_flash_attn": False,
        },
        "pooler_type": "mean_pooler",
        "proj_type": None,
        "proj_bias": False,
    },
    "vision_config": {
        "model_type": "jina_clip_vision",
        "embed_dim": 256,
        "width": 256,
        "head_width": 64,
        "layers": 8,
        "image_size": 224,
        "patch_size": 16,
        "mlp_ratio": 2.75,
        "patch_dropout": 0.1,
        "pt_hw_seq_len": 14,
        "intp_freq": False,
        "naive_swiglu": True,
        "subln": True,
        "qkv_bias": True,
        "rope_embeddings": True,
        "post_norm": False,
        "ls_init_value": None,
        "proj_type": None,
        "fused_layer_norm": False,
        "x_attention": False,
    },
}
"""`config.json`, parsed; `JinaCLIP.from_config(MINI, seed=...)` builds it untrained."""
