"""From a checkpoint to a published encoder version: merge, convert, gate, publish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from export.graph import VisionGraph
from export.onnx_file import write_onnx
from export.parity import PICTURES, Parity, measure_parity, require_parity
from export.repository import publish_version, staged_version
from training.adapters import AdapterManifest, merge, read_adapter
from training.jina_clip import JinaCLIP, Preprocessor
from training.jina_clip.folder import PUBLISHED_LICENCE, read_licence
from training.trained_on import read_trained_on, write_trained_on
from visionseek.errors import ArtifactError, ImageRejected, InputError
from visionseek.files import sha256_file
from visionseek.manifests import EncoderManifest, write_manifest
from visionseek.pixels import PIXEL_VERSION, Rule, load_image

Weights = Literal["fp32", "fp16"]


@dataclass(frozen=True, slots=True)
class Published:
    """What an export has put into the repository."""

    model: str
    version: int
    folder: Path
    manifest: EncoderManifest
    parity: Parity


def export_encoder(
    checkpoint: Path,
    repository: Path,
    *,
    pictures: Sequence[Path],
    adapter: Path | None = None,
    model: str = "vision_encoder",
    dimension: int | None = None,
    weights: Weights = "fp16",
    pixel_rule: Rule | None = None,
    on_stage: Callable[[str], None] = lambda _: None,
) -> Published:
    """Publish `checkpoint` (with `adapter` merged in) as the next version of `model`.

    Args:
        checkpoint: a folder in the published format.
        repository: the Triton model repository to publish into.
        pictures: at least 64 readable pictures for the parity gate.
        adapter: a LoRA adapter in PEFT's format, tuned on this checkpoint.
        model: the Triton model's name.
        dimension: keep this many leading components; None keeps all.
        weights: precision that the weights are stored in; arithmetic is float32 either way.
        pixel_rule: how the served pictures become squares; None: as the adapter was tuned, else `pad`, which
            keeps long pieces, chains and bracelets, whole.
        on_stage: called with the name of each stage as it begins.

    Raises:
        CheckpointError: checkpoint or adapter is missing, damaged, or the two do not belong together.
        ArtifactError: the parity gate failed, or the disk refused; nothing is published.
        InputError: too few readable pictures for the gate.
        Overloaded: another export of this model is running.
    """
    try:
        return _export(
            checkpoint, repository, pictures, adapter, model, dimension, weights, pixel_rule, on_stage
        )
    except OSError as error:
        raise ArtifactError(
            f"the disk refused: {error.strerror or error}; nothing was published",
            where=str(error.filename or repository / model),
            mend="free space or mend the permissions, then export again",
        ) from error


def _export(
    checkpoint: Path,
    repository: Path,
    pictures: Sequence[Path],
    adapter: Path | None,
    model: str,
    dimension: int | None,
    weights: Weights,
    pixel_rule: Rule | None,
    on_stage: Callable[[str], None],
) -> Published:
    on_stage("load")
    lineage = None
    clip = JinaCLIP.from_pretrained(checkpoint, dtype=torch.float32)
    tower: nn.Module = clip.vision_model
    if adapter is not None:
        lineage = read_adapter(adapter, checkpoint)
        tower = merge(clip.vision_model, adapter)
    rule = pixel_rule or served_rule(lineage)
    size = clip.config.vision_config.image_size
    processor = Preprocessor.from_pretrained(checkpoint)
    graph = VisionGraph(tower.eval(), mean=processor.mean, std=processor.std, dimension=dimension).eval()
    pixels = gate_pixels(pictures, size, rule)
    with staged_version(repository, model) as stage:
        on_stage("convert")
        onnx_path = stage / "model.onnx"
        write_onnx(graph, size, onnx_path, half_weights=weights == "fp16")
        on_stage("parity")
        parity = measure_parity(graph, onnx_path, pixels)
        require_parity(parity)
        with torch.inference_mode():
            width = int(graph(torch.from_numpy(pixels[:1])).shape[1])
        manifest = EncoderManifest(
            fingerprint=fingerprint(onnx_path, rule),
            dimension=width,
            image_size=size,
            pixel_rule=rule,
            pixel_version=PIXEL_VERSION,
            base=checkpoint.name,
            adapter=lineage.adapter_sha256 if lineage else None,
            licence=read_licence(checkpoint) or PUBLISHED_LICENCE[clip.config.family],
            parity={"least_cosine": parity.least, "mean_cosine": parity.mean, "pictures": parity.pictures},
        )
        write_manifest(manifest, stage)
        seen = read_trained_on(checkpoint)
        if adapter is not None and (more := read_trained_on(adapter)):
            seen = more.joined(seen)
        if seen is not None:
            write_trained_on(stage, seen.products, seen.families)
        on_stage("publish")
        version = publish_version(repository, model, stage)
    return Published(model, version, repository / model / str(version), manifest, parity)


def fingerprint(onnx_path: Path, pixel_rule: str) -> str:
    """Sha256 over graph and weights, the pixel rule and the version of the decode path."""
    text = f"{sha256_file(onnx_path)}\n{pixel_rule}\n{PIXEL_VERSION}\n"
    return sha256(text.encode()).hexdigest()


def gate_pixels(pictures: Sequence[Path], size: int, rule: Rule) -> npt.NDArray[np.uint8]:
    """The first 64 readable pictures as [64, size, size, 3].

    Raises:
        InputError: there are fewer.
    """
    rows: list[npt.NDArray[np.uint8]] = []
    for path in pictures:
        if len(rows) == PICTURES:
            break
        try:
            rows.append(load_image(path, size, rule))
        except ImageRejected:
            continue
    if len(rows) < PICTURES:
        raise InputError(
            f"the parity gate needs {PICTURES} readable pictures and got {len(rows)}",
            mend="pass a folder of pictures of the catalog with --pictures",
        )
    return np.stack(rows)


def served_rule(lineage: AdapterManifest | None) -> Rule:
    """The pixel rule to serve with where none is asked for: the one the adapter was tuned with, else `pad`."""
    return "shortest-crop" if lineage is not None and lineage.pixel_rule == "shortest-crop" else "pad"


def served_weights(chosen: str) -> Weights:
    """Precision by its name on the command line."""
    return "fp32" if chosen == "fp32" else "fp16"
