"""`visionseek train merge`: an adapter into a checkpoint of the published format."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from training.adapters import ADAPTER_FILE, AdapterManifest, attach, checkpoint_sha256
from training.adapters import merge as merge_tower
from training.jina_clip import JinaCLIP
from training.merging import merge
from training.trained_on import read_trained_on, write_trained_on
from visionseek.errors import CheckpointError
from visionseek.files import sha256_file
from visionseek.manifests import write_manifest
from visionseek.pixels import PIXEL_VERSION


@pytest.fixture
def adapter(checkpoint: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "adapter"
    tower = attach(JinaCLIP.from_pretrained(checkpoint).vision_model, rank=2, alpha=2)
    torch.manual_seed(0)
    for name, parameter in tower.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.05)
    tower.save_pretrained(str(folder))
    manifest = AdapterManifest(
        base=checkpoint.name,
        base_sha256=checkpoint_sha256(checkpoint),
        adapter_sha256=sha256_file(folder / ADAPTER_FILE),
        rank=2,
        alpha=2,
        seed=0,
        steps=1,
        products=1,
        pixel_rule="pad",
        pixel_version=PIXEL_VERSION,
    )
    write_manifest(manifest, folder)
    write_trained_on(folder, ["p1"], ["f1"])
    return folder


def run(*words: str) -> dict[str, object]:
    result = CliRunner().invoke(merge, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told: dict[str, object] = json.loads(result.output.splitlines()[-1])
    return told


def test_the_merged_checkpoint_has_the_update_and_everything_else(
    checkpoint: Path, adapter: Path, tmp_path: Path
) -> None:
    out = tmp_path / "merged"
    told = run(
        "--checkpoint", str(checkpoint), "--adapter", str(adapter), "--out", str(out), "--dtype", "float32"
    )
    assert told["products_seen"] == 1
    base, merged = JinaCLIP.from_pretrained(checkpoint), JinaCLIP.from_pretrained(out)
    expected = merge_tower(JinaCLIP.from_pretrained(checkpoint).vision_model, adapter).state_dict()
    for name, value in merged.vision_model.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    before = base.vision_model.state_dict()
    assert not any(
        torch.equal(before[name], expected[name])
        for name in before
        if name.endswith("proj.weight") and "attn" in name
    )
    for name, value in base.text_model.state_dict().items():
        assert torch.equal(value, merged.text_model.state_dict()[name])
    assert (out / "preprocessor_config.json").is_file()
    seen = read_trained_on(out)
    assert seen is not None
    assert (set(seen.products), set(seen.families)) == ({"p1"}, {"f1"})


def test_without_an_adapter_only_the_type_changes(checkpoint: Path, tmp_path: Path) -> None:
    run("--checkpoint", str(checkpoint), "--out", str(tmp_path / "half"))
    base, half = JinaCLIP.from_pretrained(checkpoint), JinaCLIP.from_pretrained(tmp_path / "half")
    for name, value in base.state_dict().items():
        assert torch.equal(value.half().float(), half.state_dict()[name]), name
    assert read_trained_on(tmp_path / "half") is None


def test_what_cannot_be_merged_is_told(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="something here already"):
        run("--checkpoint", str(checkpoint), "--out", str(adapter))
    with pytest.raises(CheckpointError, match="no adapter here"):
        run("--checkpoint", str(checkpoint), "--adapter", str(tmp_path / "x"), "--out", str(tmp_path / "o"))
    with pytest.raises(CheckpointError, match="not on this checkpoint"):
        run(
            "--checkpoint",
            str(checkpoint.parent / "v2_a"),
            "--adapter",
            str(adapter),
            "--out",
            str(tmp_path / "o"),
        )
    assert not (tmp_path / "o").exists()


def test_half_of_an_update_lies_between_both(checkpoint: Path, adapter: Path, tmp_path: Path) -> None:
    towers = []
    for strength in ("0", "0.5", "1"):
        out = tmp_path / strength
        words = ("--checkpoint", str(checkpoint), "--adapter", str(adapter), "--dtype", "float32")
        told = run(*words, "--strength", strength, "--out", str(out))
        assert told["strength"] == float(strength)
        towers.append(JinaCLIP.from_pretrained(out).vision_model.state_dict())
    nothing, half, whole = towers
    plain = JinaCLIP.from_pretrained(checkpoint).vision_model.state_dict()
    assert all(torch.equal(nothing[name], plain[name]) for name in plain)
    assert any(not torch.equal(whole[name], plain[name]) for name in plain)
    for name in plain:
        torch.testing.assert_close(half[name], (plain[name] + whole[name]) / 2)


def test_a_strength_without_an_adapter_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    words = ["--checkpoint", str(checkpoint), "--strength", "0.5", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(merge, words)
    assert result.exit_code == 2
    assert "give --adapter" in result.output
    assert not (tmp_path / "out").exists()
