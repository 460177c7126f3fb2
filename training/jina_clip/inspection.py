"""What a checkpoint is, from its configuration and file headers, without building it in memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.jina_clip import checkpoint, folder
from training.jina_clip.config import JinaCLIPConfig
from training.jina_clip.model import JinaCLIP


@dataclass(frozen=True, slots=True)
class Inspection:
    """The findings; sizes in numbers of parameters, cost in GFLOP (two for a multiply-add) an image.

    Attributes:
        path: the folder.
        family: "v1" or "v2".
        licence: of the weights, as the README states it, or None.
        published_licence: of the published checkpoint of this family.
        dimension: D.
        image_size: S.
        patch_size: of the vision tower.
        vision_parameters: of the vision tower.
        text_parameters: of the text tower.
        gflops_per_image: forward pass of the vision tower.
        types: stored tensor type -> number of tensors.
        missing: tensors that the configuration asks for and the files lack.
        unexpected: tensors that the files have and the configuration does not know.
        wrong_shapes: `name: found, expected`.
    """

    path: str
    family: str
    licence: str | None
    published_licence: str
    dimension: int
    image_size: int
    patch_size: int
    vision_parameters: int
    text_parameters: int
    gflops_per_image: float
    types: dict[str, int]
    missing: list[str]
    unexpected: list[str]
    wrong_shapes: list[str]

    @property
    def loadable(self) -> bool:
        """Whether every tensor is there with the right shape, and no other."""
        return not (self.missing or self.unexpected or self.wrong_shapes)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {**asdict(self), "loadable": self.loadable}


def inspect(source: str | Path, revision: str | None = None) -> Inspection:
    """Look into a checkpoint folder or hub id; tensors that do not fit are findings, not errors.

    Raises:
        CheckpointError: no checkpoint, a refused configuration, or files that are missing or damaged.
        Unavailable: a hub id, and the hub cannot be reached.
    """
    path = folder.resolve(source, revision)
    config = JinaCLIPConfig.from_folder(path)
    stored = checkpoint.read_shapes(path)
    with torch.device("meta"):
        model = JinaCLIP(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    missing, unexpected, wrong = checkpoint.compare(expected, {n: shape for n, (shape, _) in stored.items()})
    types: dict[str, int] = {}
    for _, kind in stored.values():
        types[kind] = types.get(kind, 0) + 1
    return Inspection(
        path=str(path),
        family=config.family,
        licence=folder.read_licence(path),
        published_licence=folder.PUBLISHED_LICENCE[config.family],
        dimension=config.dimension,
        image_size=config.vision_config.image_size,
        patch_size=config.vision_config.patch_size,
        vision_parameters=_count(model.vision_model),
        text_parameters=_count(model.text_model),
        gflops_per_image=image_flops(model) / 1e9,
        types=types,
        missing=missing,
        unexpected=unexpected,
        wrong_shapes=wrong,
    )


def image_flops(model: JinaCLIP) -> int:
    """Count the operations of one picture through the whole tower; the model may be on the meta device.

    This is how others count. `encode_image` does a little less: the last block answers for CLS only.
    """
    vision = model.eval().vision_model
    size = vision.config.image_size
    device = vision.pos_embed.device
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        vision.tokens(torch.empty(1, 3, size, size, device=device, dtype=vision.pos_embed.dtype))
    return int(counter.get_total_flops())


def _count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
