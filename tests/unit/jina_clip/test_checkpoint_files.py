"""Loading and saving: the published format, strictly."""

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from training.jina_clip import JinaCLIP, Preprocessor
from training.jina_clip.commands import model as model_command
from visionseek.errors import CheckpointError

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"


@pytest.fixture(params=["v1_a", "v2_a"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS / request.param, tmp_path / request.param))


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS / "v1_a", tmp_path / "v1_a"))


def test_saving_then_loading_is_the_identity(folder: Path, tmp_path: Path) -> None:
    loaded = JinaCLIP.from_pretrained(folder)
    loaded.save_pretrained(tmp_path / "again")
    before, after = (
        load_file(folder / "model.safetensors"),
        load_file(tmp_path / "again" / "model.safetensors"),
    )
    assert list(before) == list(after)
    for name, tensor in before.items():
        assert torch.equal(tensor.float(), after[name])
    assert json.loads((tmp_path / "again" / "config.json").read_text()) == json.loads(
        (folder / "config.json").read_text()
    )
    assert Preprocessor.from_pretrained(tmp_path / "again") == Preprocessor.from_pretrained(folder)
    again = JinaCLIP.from_pretrained(tmp_path / "again")
    pixels = torch.randn(2, 3, loaded.config.vision_config.image_size, loaded.config.vision_config.image_size)
    assert torch.equal(loaded.encode_image(pixels), again.encode_image(pixels))


def test_saving_over_the_folder_that_it_came_from_works(v1: Path) -> None:
    JinaCLIP.from_pretrained(v1).save_pretrained(v1)
    JinaCLIP.from_pretrained(v1)


def test_weights_load_in_the_type_that_is_asked_for(folder: Path) -> None:
    for dtype in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        assert {p.dtype for p in JinaCLIP.from_pretrained(folder, dtype).parameters()} == {dtype}
    assert {p.dtype for p in JinaCLIP.from_pretrained(str(folder)).parameters()} == {torch.float32}
    with pytest.raises(ValueError, match="int8"):
        JinaCLIP.from_pretrained(folder, dtype="int8")


def test_stored_rotary_tables_are_ignored(v1: Path) -> None:
    tensors = load_file(v1 / "model.safetensors")
    tensors["vision_model.rope.freqs_cos"] = torch.zeros(16, 16)
    tensors["vision_model.blocks.0.attn.rope.freqs_sin"] = torch.zeros(16, 16)
    save_file(tensors, v1 / "model.safetensors")
    JinaCLIP.from_pretrained(v1)


def rewrite(folder: Path, change: Any) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


def test_missing_unexpected_and_misshapen_tensors_are_named(v1: Path) -> None:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["vision_model.norm.weight"]
        tensors["vision_model.extra"] = torch.zeros(1)
        tensors["logit_scale"] = torch.zeros(2)

    rewrite(v1, change)
    with pytest.raises(CheckpointError) as refused:
        JinaCLIP.from_pretrained(v1)
    for part in (
        "missing: vision_model.norm.weight",
        "unexpected: vision_model.extra",
        "logit_scale: [2], expected []",
    ):
        assert part in str(refused.value)


def test_integers_are_no_weights(v1: Path) -> None:
    rewrite(v1, lambda tensors: tensors.update(logit_scale=torch.tensor(3)))
    with pytest.raises(CheckpointError, match="no floats: logit_scale"):
        JinaCLIP.from_pretrained(v1)


@pytest.mark.parametrize("size", [0, 4, 100, 20_000, 2_000_000])
def test_a_truncated_file_says_so(v1: Path, size: int) -> None:
    path = v1 / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(
        CheckpointError,
        match=r"model\.safetensors: (truncated: [\d,]+ bytes of 2,336,068|no readable|is empty)",
    ):
        JinaCLIP.from_pretrained(v1)


def test_rubbish_in_place_of_weights_is_refused(v1: Path) -> None:
    (v1 / "model.safetensors").write_bytes(b"\xff" * 5000)
    with pytest.raises(CheckpointError, match="no readable safetensors"):
        JinaCLIP.from_pretrained(v1)


def test_a_pickle_is_refused_and_never_read(v1: Path) -> None:
    (v1 / "model.safetensors").unlink()
    (v1 / "pytorch_model.bin").write_bytes(pickle.dumps({"logit_scale": 1}))
    with pytest.raises(CheckpointError, match=r"only a pickle \(pytorch_model\.bin\)"):
        JinaCLIP.from_pretrained(v1)


def test_weights_of_the_other_family_are_recognised(tmp_path: Path) -> None:
    for config, weights in (("v1_a", "v2_a"), ("v2_a", "v1_a")):
        mixed = tmp_path / config
        mixed.mkdir()
        shutil.copy(ASSETS / config / "config.json", mixed)
        shutil.copy(ASSETS / weights / "model.safetensors", mixed)
        with pytest.raises(CheckpointError, match=f"weights are of family {weights[:2]}"):
            JinaCLIP.from_pretrained(mixed)


def shard(folder: Path) -> list[str]:
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(tensors)
    files = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    half = len(names) // 2
    weight_map = {}
    for file, part in zip(files, (names[:half], names[half:]), strict=True):
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map.update(dict.fromkeys(part, file))
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": weight_map})
    )
    return files


def test_a_sharded_checkpoint_loads(v1: Path) -> None:
    whole = JinaCLIP.from_pretrained(v1).state_dict()
    shard(v1)
    pieces = JinaCLIP.from_pretrained(v1).state_dict()
    assert all(torch.equal(whole[name], pieces[name]) for name in whole)


def test_a_missing_shard_is_named(v1: Path) -> None:
    files = shard(v1)
    (v1 / files[1]).unlink()
    with pytest.raises(CheckpointError, match=f"missing 1 of 2 shards: {files[1]}"):
        JinaCLIP.from_pretrained(v1)


@pytest.mark.parametrize(
    "index",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"weight_map": []}',
        '{"weight_map": {}}',
        '{"weight_map": {"a": "../../secret.safetensors"}}',
    ],
)
def test_a_broken_index_is_refused(v1: Path, index: str) -> None:
    shard(v1)
    (v1 / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError, match=r"index\.json"):
        JinaCLIP.from_pretrained(v1)


def test_nothing_there_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        JinaCLIP.from_pretrained(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        JinaCLIP.from_pretrained(tmp_path)
    shutil.copy(ASSETS / "v1_a" / "config.json", tmp_path)
    with pytest.raises(CheckpointError, match=r"no model\.safetensors"):
        JinaCLIP.from_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="give the folder"):
        JinaCLIP.from_pretrained(tmp_path / "config.json")


def test_an_untrained_model_is_the_same_for_the_same_seed() -> None:
    config = json.loads((ASSETS / "v1_a" / "config.json").read_text())
    one, two, other = (JinaCLIP.from_config(config, seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["vision_model.cls_token"], other["vision_model.cls_token"])


def test_inspect_prints_the_facts() -> None:
    ran = CliRunner().invoke(model_command, ["inspect", str(ASSETS / "v2_a"), "--json"])
    assert ran.exit_code == 0
    found = json.loads(ran.stdout.splitlines()[-1])
    assert found["family"] == "v2"
    assert found["published_licence"] == "CC-BY-NC-4.0"
    assert found["vision_parameters"] == 190_008
    assert found["loadable"]
    assert not found["missing"]
    assert found["gflops_per_image"] > 0


def test_inspect_shows_the_terms_of_v2() -> None:
    ran = CliRunner().invoke(model_command, ["inspect", str(ASSETS / "v2_a")])
    assert ran.exit_code == 0
    assert "may not be used commercially" in " ".join(ran.output.split())


def test_inspect_recognises_weights_of_the_other_family(v1: Path) -> None:
    shutil.copy(ASSETS / "v2_a" / "config.json", v1)
    ran = CliRunner().invoke(model_command, ["inspect", str(v1), "--json"])
    assert "weights are of family v1" in str(ran.exception)


def test_inspect_names_tensors_that_do_not_fit(v1: Path) -> None:
    rewrite(v1, lambda tensors: tensors.pop("vision_model.norm.bias"))
    ran = CliRunner().invoke(model_command, ["inspect", str(v1), "--json"])
    assert isinstance(ran.exception, CheckpointError)
    assert json.loads(ran.stdout.splitlines()[-1])["missing"] == ["vision_model.norm.bias"]


def test_the_licence_of_the_readme_is_read_and_v2_terms_are_shown(
    v1: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (v1 / "README.md").write_text("---\ntags:\n- clip\nlicense: cc-by-nc-4.0\n---\n# A model\n")
    JinaCLIP.from_pretrained(v1)
    assert "may not be used commercially" in caplog.text
    ran = CliRunner().invoke(model_command, ["inspect", str(v1), "--json"])
    assert json.loads(ran.stdout.splitlines()[-1])["licence"] == "CC-BY-NC-4.0"
