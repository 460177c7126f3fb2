"""Adapters that do not belong to the checkpoint, or are not whole: refused with a name, nothing is published."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from export.encoder import export_encoder
from training.adapters import ADAPTER_FILE, AdapterManifest, attach, checkpoint_sha256
from training.jina_clip import JinaCLIP
from visionseek.errors import CheckpointError, ManifestError
from visionseek.files import sha256_file
from visionseek.manifests import write_manifest

TINY = Path(__file__).parents[2] / "assets" / "jina_clip" / "v1_a"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    clip = JinaCLIP.from_pretrained(TINY, dtype=torch.float32)
    attach(clip.vision_model, rank=2, alpha=2).save_pretrained(str(folder))
    manifest = AdapterManifest(
        base="v1_a",
        base_sha256=checkpoint_sha256(TINY),
        adapter_sha256=sha256_file(folder / ADAPTER_FILE),
        rank=2,
        alpha=2,
        seed=0,
        steps=0,
        products=0,
        pixel_rule="pad",
        pixel_version=1,
    )
    write_manifest(manifest, folder)
    return folder


def gone(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def truncated(folder: Path) -> None:
    weights = folder / ADAPTER_FILE
    weights.write_bytes(weights.read_bytes()[:100])


def no_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{")


def config_of_something_else(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "target_modules": ["no_such_layer"]}')


def another_base(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(checkpoint_sha256(TINY), "0" * 64))


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (gone, r"(?s)no adapter here.*visionseek train tune"),
        (no_manifest, "no manifest.json"),
        (truncated, "damaged or replaced"),
        (no_config, "no adapter_config.json"),
        (broken_config, r"(?s)cannot be merged.*visionseek train tune"),
        (config_of_something_else, "cannot be merged"),
        (another_base, r"(?s)was tuned on `v1_a`.*--checkpoint"),
    ],
)
def test_it_is_refused_and_nothing_is_published(
    adapter: Path, tmp_path: Path, spoil: Callable[[Path], None], match: str
) -> None:
    spoil(adapter)
    with pytest.raises((CheckpointError, ManifestError), match=match):
        export_encoder(TINY, tmp_path / "repository", pictures=[], adapter=adapter)
    assert not list(tmp_path.glob("repository/*/*"))
