"""Jina CLIP in our own PyTorch: the published v1 and v2 checkpoints, and any other of their architecture.

config -> vision and text towers -> JinaCLIP -> checkpoint files. Importing this package imports no torch; the
names below are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.jina_clip.config import JinaCLIPConfig
    from training.jina_clip.mini import MINI
    from training.jina_clip.model import LORA_TARGETS, JinaCLIP
    from training.jina_clip.preprocessing import Preprocessor
    from training.jina_clip.tokenizing import Tokenizer
    from training.jina_clip.vocabulary import save_vocabulary, train_vocabulary

_HOMES = {
    "JinaCLIP": "model",
    "LORA_TARGETS": "model",
    "JinaCLIPConfig": "config",
    "MINI": "mini",
    "Preprocessor": "preprocessing",
    "Tokenizer": "tokenizing",
    "save_vocabulary": "vocabulary",
    "train_vocabulary": "vocabulary",
}
__all__ = [
    "LORA_TARGETS",
    "MINI",
    "JinaCLIP",
    "JinaCLIPConfig",
    "Preprocessor",
    "Tokenizer",
    "save_vocabulary",
    "train_vocabulary",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
