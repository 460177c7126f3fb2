"""A tuning run: its curve, what it leaves alone, how it stops and what it refuses."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from tests.support.tuning import RECIPE, Killed, Make, MakeFeed, image_size, losses, run
from training.adapters import attach, merge, read_adapter
from training.jina_clip import JinaCLIP
from training.pretrain.pictures import Source
from training.split import require_apart, split_by_family
from training.trained_on import TrainedOn
from training.tune.captions import embed_captions
from training.tune.commands import tune as tune_command
from training.tune.recipe import TuneRecipe
from training.watching import read_log
from visionseek.errors import InputError
from visionseek.files import sha256_file
from visionseek.pixels import open_image


@pytest.mark.parametrize("family", ["v1_a", "v2_a"])
def test_a_stopped_run_has_the_curve_of_one_that_was_not(
    checkpoint: Path, family: str, make_pictures: Make, tmp_path: Path
) -> None:
    checkpoint = checkpoint.parent / family
    run(checkpoint, make_pictures, tmp_path / "whole")
    with pytest.raises(Killed):
        run(checkpoint, make_pictures, tmp_path / "killed", stop_after=5)
    run(checkpoint, make_pictures, tmp_path / "killed")
    assert losses(tmp_path / "killed") == pytest.approx(losses(tmp_path / "whole"), rel=1e-4)
    assert len(losses(tmp_path / "whole")) == 6
    for name in ("batch.png", "curves.png", "trained_on.json", "tensorboard"):
        assert (tmp_path / "whole" / name).exists()


KILLED_IN_STEP_8 = """
import os, signal, sys
from training.tune import commands, run

calls, vary = [], run.vary

def counted(*args, **options):
    calls.append(1)
    if len(calls) == 8:
        os.kill(os.getpid(), signal.SIGKILL)
    return vary(*args, **options)

run.vary = counted
commands.tune(sys.argv[1:])
"""


def test_a_kill_in_the_middle_of_a_step_costs_nothing(
    checkpoint: Path, make_feed: MakeFeed, tmp_path: Path
) -> None:
    make_feed(tmp_path)
    arguments = [
        *("--feed", str(tmp_path / "feed.csv"), "--checkpoint", str(checkpoint), "--steps", "10"),
        *("--rank", "2", "--shots", "1", "--products-each", "4", "--save-every", "3"),
        *("--cache", str(tmp_path / "cache"), "--memory-after", "4", "--out"),
    ]
    CliRunner().invoke(tune_command, [*arguments, str(tmp_path / "whole")], catch_exceptions=False)
    command = [sys.executable, "-c", KILLED_IN_STEP_8, *arguments, str(tmp_path / "killed")]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    assert subprocess.run(command, env=alone, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "manifest.json").exists()
    CliRunner().invoke(tune_command, [*arguments, str(tmp_path / "killed")], catch_exceptions=False)
    whole, killed = losses(tmp_path / "whole"), losses(tmp_path / "killed")
    assert len(killed) == 10
    assert killed == pytest.approx(whole, rel=1e-4)


def test_every_loss_can_be_turned_off(checkpoint: Path, make_pictures: Make, tmp_path: Path) -> None:
    names = ("contrast", "arcface", "memory", "keep")
    for off in names:
        without: dict[str, Any] = {f"{off}_weight": 0.0, "steps": 4}
        run(checkpoint, make_pictures, tmp_path / off, recipe=replace(RECIPE, **without))
        found = {key for line in read_log(tmp_path / off) for key in line if key.startswith("loss_")}
        assert found == {f"loss_{name}" for name in names if name != off}
        manifest = read_adapter(tmp_path / off, checkpoint)
        assert off not in manifest.losses
    with pytest.raises(InputError, match="nothing to learn"):
        TuneRecipe(contrast_weight=0, arcface_weight=0, text_weight=0, memory_weight=0, keep_weight=0)


def test_frozen_weights_are_the_same_bit_by_bit(
    checkpoint: Path, make_pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.tune import run as module

    towers: list[Any] = []

    def attached(*arguments: Any, **options: Any) -> Any:
        towers.append(attach(*arguments, **options))
        return towers[0]

    before = sha256_file(checkpoint / "model.safetensors")
    monkeypatch.setattr(module, "attach", attached)
    run(checkpoint, make_pictures, tmp_path)
    base = JinaCLIP.from_pretrained(checkpoint).vision_model.state_dict()
    frozen = {
        name.removeprefix("base_model.model.").replace(".base_layer", ""): parameter
        for name, parameter in towers[0].named_parameters()
        if "lora_" not in name
    }
    assert set(frozen) == set(base)
    assert all(torch.equal(parameter, base[name]) for name, parameter in frozen.items())
    assert any(bool((p != 0).any()) for name, p in towers[0].named_parameters() if "lora_B" in name)
    assert sha256_file(checkpoint / "model.safetensors") == before


@pytest.mark.parametrize(
    "options", [{"dora": True}, {"targets": "attention"}, {"targets": "mlp"}, {"size": 48}]
)
def test_dora_targets_and_sizes(
    checkpoint: Path, make_pictures: Make, tmp_path: Path, options: dict[str, Any]
) -> None:
    run(checkpoint, make_pictures, tmp_path, recipe=replace(RECIPE, steps=2, **options))
    names = load_file(tmp_path / "adapter_model.safetensors")
    if options.get("targets"):
        part = {"attention": ".attn.", "mlp": ".mlp."}[options["targets"]]
        assert all(part in name for name in names)
    assert any("magnitude" in name for name in names) == bool(options.get("dora"))
    merge(JinaCLIP.from_pretrained(checkpoint).vision_model, tmp_path)


def test_pictures_grow_to_the_size_of_the_checkpoint(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    own = image_size(checkpoint)
    run(checkpoint, make_pictures, tmp_path, recipe=replace(RECIPE, size=own // 2, growing_share=0.5))
    sizes = [line["size"] for line in read_log(tmp_path) if "size" in line]
    assert sizes[:3] == [own // 2] * 3
    assert sizes[-1] == own
    assert sizes == sorted(sizes)


def test_busy_patches_first_and_all_of_them_at_the_end(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    run(checkpoint, make_pictures, tmp_path, recipe=replace(RECIPE, patches=4, growing_share=0.5))
    patches = [line["patches"] for line in read_log(tmp_path) if "patches" in line]
    assert patches[:3] == [4] * 3
    assert patches == sorted(patches)
    assert patches[-1] == 16


def test_checkpointing_changes_memory_and_no_figure(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    run(checkpoint, make_pictures, tmp_path / "kept")
    run(checkpoint, make_pictures, tmp_path / "again", recipe=replace(RECIPE, checkpointing=True))
    assert losses(tmp_path / "again") == pytest.approx(losses(tmp_path / "kept"), rel=1e-4)


def test_a_product_of_the_evaluation_is_refused(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"trained on 1 products of the evaluation, the first is 'p3'"):
        run(checkpoint, make_pictures, tmp_path, never=TrainedOn(frozenset({"p3", "other"})))
    with pytest.raises(InputError, match="families of the evaluation"):
        run(
            checkpoint,
            make_pictures,
            tmp_path,
            families={"f1"},
            never=TrainedOn(frozenset(), frozenset({"f1"})),
        )
    assert not (tmp_path / "log.jsonl").exists()


def test_text_is_left_out_with_a_notice_where_there_is_no_tokenizer(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    said: list[str] = []
    run(checkpoint, make_pictures, tmp_path, recipe=replace(RECIPE, steps=1), say=said.append)
    assert said == ["text is left out: the checkpoint has no tokenizer"]


def test_captions_keep_pictures_near_their_text_and_long_ones_are_cut(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    spoken = tmp_path / "spoken"
    shutil.copytree(checkpoint, spoken)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "ring", *"0123456789"]
    (spoken / "vocab.txt").write_text("\n".join(words) + "\n")
    said: list[str] = []
    run(spoken, make_pictures, tmp_path / "out", say=said.append)
    assert said == []
    assert all("loss_text" in line for line in read_log(tmp_path / "out"))
    clip = JinaCLIP.from_pretrained(spoken)
    captions = embed_captions(clip, spoken, [("ring 1", "1 ring"), (), ("ring " * 600,)], say=said.append)
    assert captions is not None
    assert said == ["1 of 3 captions are longer than 512 tokens and are cut there"]
    assert captions.first.tolist() == [0, -1, 2]
    drawn = captions.draw(torch.tensor([0, 1, 0, 2]), torch.Generator().manual_seed(0))
    assert drawn[0] == drawn[2]
    assert drawn[1] == -1


def test_a_full_disk_is_named_and_the_last_state_stays(
    checkpoint: Path, make_pictures: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Killed):
        run(checkpoint, make_pictures, tmp_path, stop_after=3)
    before = (tmp_path / "state.pt").read_bytes()
    monkeypatch.setattr("visionseek.files.os.fsync", refuse)
    with pytest.raises(OSError, match="No space left"):
        run(checkpoint, make_pictures, tmp_path)
    monkeypatch.undo()
    assert (tmp_path / "state.pt").read_bytes() == before
    run(checkpoint, make_pictures, tmp_path)
    assert len(losses(tmp_path)) == 6


def test_families_stay_on_one_side() -> None:
    sources = [Source(Path(f"{n}.jpg"), f"p{n}", f"f{n // 3}", "") for n in range(300)]
    kept, held = split_by_family(sources, held_out=0.2)
    require_apart(kept, held)
    assert 0.1 < len(held) / 300 < 0.3
    with pytest.raises(InputError, match="on both sides"):
        require_apart(kept, [*held, kept[0]])
    with pytest.raises(InputError, match="cannot be split"):
        split_by_family(sources[:3], held_out=0.2)


def test_boxes_are_as_loose_as_hand_drawn_ones() -> None:
    from training.tune.shots import loose_box
    from visionseek.vocabulary import Region

    picture = open_image(
        Path(__file__).parents[2] / "assets" / "jina_clip" / "v1_a" / "images" / "landscape.png"
    )
    rng = np.random.default_rng(0)
    for _ in range(50):
        left, top, right, bottom = loose_box(Region(0.25, 0.25, 0.75, 1.0), picture, rng)
        assert 0 <= left < right <= picture.width
        assert 0 <= top < bottom <= picture.height


def test_the_command_reports_recall_before_and_after(
    checkpoint: Path, make_feed: MakeFeed, tmp_path: Path
) -> None:
    make_feed(tmp_path)
    arguments = ["--feed", str(tmp_path / "feed.csv"), "--checkpoint", str(checkpoint)]
    arguments += ["--out", str(tmp_path / "out"), "--steps", "2", "--rank", "2", "--shots", "1", "--json"]
    result = CliRunner().invoke(tune_command, arguments, catch_exceptions=False)
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["queries"] >= 1
    for moment in ("recall_before", "recall_after"):
        value, low, high = report[moment]["recall@10"]
        assert 0 <= low <= value <= high <= 1
    assert (tmp_path / "out" / "manifest.json").is_file()
