"""A tuned adapter: what it moves, which base it belongs to, how it is exported."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from export.encoder import export_encoder
from tests.support.tuning import Make, image_size, run
from training.adapters import merge, read_adapter
from training.jina_clip import JinaCLIP
from training.trained_on import read_trained_on
from visionseek.errors import ArtifactError, CheckpointError, InputError


def test_the_merged_adapter_moves_the_vision_tower_only(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    run(checkpoint, make_pictures, tmp_path)
    assert (tmp_path / "adapter_config.json").is_file()
    assert read_adapter(tmp_path, checkpoint).rank == 4
    size = image_size(checkpoint)
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    base, tuned = (JinaCLIP.from_pretrained(checkpoint) for _ in range(2))
    merged = merge(tuned.vision_model, tmp_path)
    with torch.inference_mode():
        assert not torch.allclose(base.vision_model(pixels), merged(pixels), atol=1e-4)
    for name, value in base.text_model.state_dict().items():
        assert torch.equal(tuned.text_model.state_dict()[name], value)


def test_an_adapter_is_held_to_its_base_and_its_bytes(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="no adapter here"):
        read_adapter(tmp_path / "gone", checkpoint)
    run(checkpoint, make_pictures, tmp_path / "adapter")
    other = tmp_path / "other"
    shutil.copytree(checkpoint, other)
    JinaCLIP.from_config(json.loads((checkpoint / "config.json").read_text()), seed=9).save_pretrained(other)
    with pytest.raises(CheckpointError, match="not on this checkpoint"):
        read_adapter(tmp_path / "adapter", other)
    weights = tmp_path / "adapter" / "adapter_model.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(CheckpointError, match="damaged or replaced"):
        read_adapter(tmp_path / "adapter", checkpoint)


def test_a_tuned_encoder_is_exported_with_its_lineage(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    run(checkpoint, make_pictures, tmp_path / "adapter")
    pictures = sorted((checkpoint / "images").iterdir()) * 10
    published = export_encoder(
        checkpoint, tmp_path / "repository", pictures=pictures, adapter=tmp_path / "adapter", pixel_rule="pad"
    )
    plain = export_encoder(checkpoint, tmp_path / "repository", pictures=pictures, pixel_rule="pad")
    assert (published.version, plain.version) == (1, 2)
    assert published.manifest.adapter == read_adapter(tmp_path / "adapter", checkpoint).adapter_sha256
    assert plain.manifest.adapter is None
    assert published.parity.least > 0.9999
    assert published.manifest.fingerprint != plain.manifest.fingerprint
    seen = read_trained_on(published.folder)
    assert seen is not None
    assert seen.products
    assert read_trained_on(plain.folder) is None


def test_too_few_pictures_for_the_gate_publish_nothing(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="64 readable pictures and got 7"):
        export_encoder(checkpoint, tmp_path, pictures=sorted((checkpoint / "images").iterdir()))
    assert not list(tmp_path.rglob("*.onnx"))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such folder"):
        export_encoder(tmp_path / "gone", tmp_path / "repository", pictures=[])
