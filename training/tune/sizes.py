"""Sizes of the published checkpoints, for a dry run where they are not on the disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.jina_clip.config import JinaCLIPConfig, VisionConfig
from training.jina_clip.folder import resolve

# Vision towers as the published `config.json` files have them, and parameters of the text towers.
_V1 = VisionConfig(
    embed_dim=768, width=768, image_size=224, patch_size=16, layers=12, head_width=64, mlp_ratio=2.6667,
    patch_dropout=0.1, pt_hw_seq_len=14, intp_freq=False, rope_embeddings=True, naive_swiglu=True, subln=True,
)  # fmt: skip
_V2 = VisionConfig(
    embed_dim=1024, width=1024, image_size=512, patch_size=14, layers=24, head_width=64, mlp_ratio=2.6667,
    patch_dropout=0.1, pt_hw_seq_len=16, intp_freq=True, rope_embeddings=True, naive_swiglu=True, subln=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the cost of a run depends on.

    Attributes:
        vision: configuration of the vision tower.
        text_parameters: of the text tower.
        folder: the checkpoint on the disk, or None.
    """

    vision: VisionConfig
    text_parameters: int
    folder: Path | None


_PUBLISHED = {
    "jinaai/jina-clip-v1": Sizes(_V1, 136_777_728, None),
    "jinaai/jina-clip-v2": Sizes(_V2, 560_895_564, None),
}


def sizes_of(checkpoint: str) -> Sizes:
    """Sizes of a checkpoint folder, a folder with `config.json` alone, or a published id, which needs no network.

    Raises:
        CheckpointError: no such folder or id, or a configuration that is refused.
    """
    if checkpoint in _PUBLISHED and not Path(checkpoint).is_dir():
        return _PUBLISHED[checkpoint]
    folder = resolve(checkpoint)
    config = JinaCLIPConfig.from_folder(folder)
    return Sizes(config.vision_config, _text_parameters(config), folder)


def _text_parameters(config: JinaCLIPConfig) -> int:
    import torch  # noqa: PLC0415 -- names and sizes above need none

    from training.jina_clip.text import TextTower  # noqa: PLC0415

    with torch.device("meta"):
        return sum(p.numel() for p in TextTower(config.text_config.backbone).parameters())
