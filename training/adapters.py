"""LoRA adapters on the vision tower: where they attach, how they are saved, which base they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from visionseek.errors import CheckpointError
from visionseek.files import sha256_file
from visionseek.manifests import Manifest, read_manifest

if TYPE_CHECKING:
    from torch import nn

ADAPTER_FILE = "adapter_model.safetensors"
Targets = Literal["all", "attention", "mlp"]


class AdapterManifest(Manifest):
    """Beside an adapter in PEFT's own format.

    Attributes:
        base: the checkpoint that was tuned, as it was named.
        base_sha256: of that checkpoint's weight file; merging into another base is refused.
        adapter_sha256: of the adapter's weight file.
        rank: of the update matrices.
        alpha: the update is scaled by alpha / rank.
        seed: of initial values, order and augmentation.
        steps: optimiser steps taken.
        products: how many products it was tuned on.
        product_ids: those products; an evaluation must not use them.
        families: of near twins that those products belong to.
        targets: the layers that it changes.
        dora: whether the update is weight-decomposed.
        losses: the weight of each loss.
        pixel_rule: how pictures became squares in training.
        pixel_version: version of the decode path in training.
    """

    base: str
    base_sha256: str
    adapter_sha256: str
    rank: int
    alpha: int
    seed: int
    steps: int
    products: int
    product_ids: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    targets: str = "all"
    dora: bool = False
    losses: dict[str, float] = Field(default_factory=dict)
    pixel_rule: str
    pixel_version: int


def checkpoint_sha256(checkpoint: Path) -> str:
    """Identity of a checkpoint folder: the hash of its weight file.

    Raises:
        CheckpointError: there is no weight file.
    """
    weights = checkpoint / "model.safetensors"
    if not weights.is_file():
        raise CheckpointError("no model.safetensors in this checkpoint", where=str(checkpoint))
    return sha256_file(weights)


def attach(
    vision_tower: nn.Module, *, rank: int, alpha: int, use_dora: bool = False, targets: Targets = "all"
) -> Any:
    """Wrap `vision_tower` with a fresh trainable adapter; every other parameter is frozen.

    Args:
        vision_tower: of any checkpoint of the family.
        rank: of the update matrices.
        alpha: the update is scaled by alpha / rank.
        use_dora: weight-decomposed LoRA (Liu et al. 2024).
        targets: which linear layers of each block.
    """
    from peft import LoraConfig, get_peft_model  # noqa: PLC0415 -- an extra; only tuning needs it

    from training.jina_clip import LORA_TARGETS  # noqa: PLC0415

    part = {"all": "", "attention": r"(?=.*\.attn\.)", "mlp": r"(?=.*\.mlp\.)"}[targets]
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        target_modules=part + LORA_TARGETS,
        lora_dropout=0.0,
        bias="none",
        use_dora=use_dora,
    )
    return get_peft_model(vision_tower, config)


def read_adapter(adapter: Path, checkpoint: Path) -> AdapterManifest:
    """Check that `adapter` is whole and was tuned on `checkpoint`.

    Raises:
        CheckpointError: missing or damaged files, or another base.
        ManifestError: no readable manifest.
    """
    if not adapter.is_dir():
        raise CheckpointError(
            "there is no adapter here", where=str(adapter), mend="visionseek train tune --out ADAPTER"
        )
    manifest = read_manifest(AdapterManifest, adapter)
    for name in ("adapter_config.json", ADAPTER_FILE):
        if not (adapter / name).is_file():
            raise CheckpointError(f"the adapter has no {name}", where=str(adapter))
    if sha256_file(adapter / ADAPTER_FILE) != manifest.adapter_sha256:
        raise CheckpointError(
            f"{ADAPTER_FILE} is not what its manifest describes: damaged or replaced", where=str(adapter)
        )
    found = checkpoint_sha256(checkpoint)
    if found != manifest.base_sha256:
        raise CheckpointError(
            f"the adapter was tuned on `{manifest.base}` (weights {manifest.base_sha256[:12]}), "
            f"not on this checkpoint (weights {found[:12]})",
            where=str(checkpoint),
            mend="pass the checkpoint that it was tuned on with --checkpoint, or tune again on this one",
        )
    return manifest


def merge(vision_tower: nn.Module, adapter: Path) -> nn.Module:
    """Load `adapter` onto a float32 `vision_tower` and fold it into the weights.

    Raises:
        CheckpointError: the files are not PEFT's own, or of another architecture.
    """
    from peft import PeftModel  # noqa: PLC0415 -- an extra; only tuning and export need it

    try:
        merged: nn.Module = PeftModel.from_pretrained(vision_tower, str(adapter)).merge_and_unload()
    except (ValueError, KeyError, TypeError, RuntimeError) as error:  # what PEFT makes of such files
        raise CheckpointError(
            f"the adapter cannot be merged: {str(error).strip().splitlines()[0]}",
            where=str(adapter),
            mend="visionseek train tune --out ADAPTER makes a new one",
        ) from error
    return merged
