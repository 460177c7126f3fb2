"""Every size comes from config.json; what is not understood is refused by name."""

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from training.jina_clip import MINI, JinaCLIP, JinaCLIPConfig
from training.jina_clip.inspection import image_flops
from training.jina_clip.text import alibi_slopes
from visionseek.errors import CheckpointError

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ASSETS / name / "config.json").read_text())
    return loaded


def full_size(family: str) -> dict[str, Any]:
    """The published configuration: the fixture's without the tiny sizes."""
    config = document(f"{family}_a")
    kwargs = config["text_config"]["hf_model_config_kwargs"]
    for name in (
        "hidden_size",
        "num_attention_heads",
        "num_hidden_layers",
        "intermediate_size",
        "vocab_size",
    ):
        del kwargs[name]
    vision = {"layers": 12, "image_size": 224, "patch_size": 16, "pt_hw_seq_len": 14, "width": 768}
    if family == "v2":
        vision = {"layers": 24, "image_size": 512, "patch_size": 14, "pt_hw_seq_len": 16, "width": 1024}
    config["vision_config"].update(vision, embed_dim=vision["width"], head_width=64)
    config["text_config"]["embed_dim"] = config["projection_dim"] = vision["width"]
    return config


@pytest.mark.parametrize(("family", "gflops"), [("v1", 35.1), ("v2", 950)])
def test_full_size_models_have_exactly_the_published_tensors(family: str, gflops: float) -> None:
    with torch.device("meta"):
        model = JinaCLIP(full_size(family))
    published = json.loads((ASSETS / f"keys_{family}.json").read_text())["tensors"]
    assert {name: list(tensor.shape) for name, tensor in model.state_dict().items()} == published
    assert image_flops(model) / 1e9 == pytest.approx(gflops, rel=0.005)


def test_unknown_fields_are_all_named() -> None:
    config = document("v1_a")
    config["vision_config"]["wings"] = 2
    config["text_config"]["hf_model_config_kwargs"].update(engine="big", wheels=4)
    config["colour"] = "red"
    with pytest.raises(CheckpointError) as refused:
        JinaCLIPConfig.from_dict(config)
    for name in ("vision_config.wings", "engine", "wheels", "colour"):
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("section", "changes", "says"),
    [
        ("vision_config", {"post_norm": True}, "post_norm"),
        ("vision_config", {"qkv_bias": False}, "qkv_bias"),
        ("vision_config", {"naive_swiglu": False}, "naive_swiglu"),
        ("vision_config", {"ls_init_value": 0.1}, "ls_init_value"),
        ("vision_config", {"width": 100, "embed_dim": 100}, "no multiple of head_width"),
        ("vision_config", {"width": "96"}, "width"),
        ("vision_config", {"pt_hw_seq_len": 16}, "pt_hw_seq_len 16 must equal the grid"),
        ("vision_config", {"image_size": 4}, "below patch_size"),
        ("vision_config", {"proj_type": "linear"}, "proj_type"),
        ("vision_config", {"mlp_ratio": math.inf}, "mlp_ratio"),
        ("vision_config", {"mlp_ratio": 0.001}, "no hidden channel"),
        ("vision_config", {"layers": 10**8}, "layers"),
        ("vision_config", {"image_size": 10**9}, "image_size"),
        (None, {"logit_scale_init_value": math.nan}, "logit_scale_init_value"),
        ("text_config", {"pooler_type": "cls_pooler"}, "pooler_type"),
        ("text_config", {"embed_dim": 64}, "embed_dim 64 must equal hidden_size 96"),
        ("text_config", {"hf_model_name_or_path": "bert-base"}, "bert-base"),
        (None, {"add_projections": True}, "add_projections"),
        (None, {"truncate_dim": 1000}, "truncate_dim 1000"),
        (None, {"model_type": "clip"}, "'clip' is not of the Jina CLIP family"),
        (None, {"vision_config": None}, "vision_config"),
    ],
)
def test_what_this_architecture_does_not_have_is_refused(
    section: str | None, changes: dict[str, Any], says: str
) -> None:
    config = document("v1_a")
    (config[section] if section else config).update(changes)
    with pytest.raises(CheckpointError, match=says):
        JinaCLIPConfig.from_dict(config)


def test_a_task_without_an_adapter_is_refused() -> None:
    config = document("v2_a")
    config["text_config"]["default_lora_task"] = "cooking"
    with pytest.raises(CheckpointError, match=r"cooking.*retrieval\.query"):
        JinaCLIPConfig.from_dict(config)


@pytest.mark.parametrize("text", ["", "[]", "{", "\x00", "[" * 100_000], ids=range(5))
def test_a_broken_config_file_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        JinaCLIPConfig.from_folder(tmp_path)


def test_a_tower_of_any_size_is_sized_up_without_its_memory() -> None:
    """The rotary tables of 4,000 x 4,000 patches would take gigabytes."""
    config = document("v2_a")
    config["vision_config"].update(image_size=16_000, patch_size=4)
    with torch.device("meta"):
        model = JinaCLIP(config)
    assert model.state_dict()["vision_model.pos_embed"].shape == (1, 16_000_001, 64)
    assert image_flops(model) > 1e12


def test_the_document_survives_unchanged() -> None:
    config = document("v2_a")
    before = copy.deepcopy(config)
    assert JinaCLIPConfig.from_dict(config).to_dict() == before
    assert config == before


def test_alibi_slopes_of_a_power_of_two_and_between() -> None:
    assert alibi_slopes(8) == [2.0**-power for power in range(1, 9)]
    assert alibi_slopes(12) == [*alibi_slopes(8), 2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]
    assert alibi_slopes(6) == [0.25, 0.0625, 2.0**-6, 2.0**-8, 0.5, 0.125]
    assert alibi_slopes(1) == [2.0**-8]
    for heads in range(1, 40):
        slopes = alibi_slopes(heads)
        assert len(slopes) == heads == len(set(slopes))
        assert all(0 < slope < 1 and math.isfinite(slope) for slope in slopes)


def test_mini_has_the_sizes_that_it_is_shipped_for() -> None:
    with torch.device("meta"):
        model = JinaCLIP(MINI)
    assert 6e6 < sum(p.numel() for p in model.vision_model.parameters()) < 7e6
    assert 2e6 < sum(p.numel() for p in model.text_model.parameters()) < 4e6
    assert model.config.family == "v1"
    assert model.config.dimension == 256


def test_importing_the_package_needs_no_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys, training, training.jina_clip, training.jina_clip.commands, training.jina_clip.mini\n"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
