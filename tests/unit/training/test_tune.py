import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from export.encoder import export_encoder
from search.embeddings import EmbeddingStore
from training.adapters import attach, merge, read_adapter
from training.jina_clip import JinaCLIP
from training.pretrain.pictures import PictureSet, Source
from training.split import require_apart, split_by_family
from training.trained_on import TrainedOn, read_trained_on
from training.tune.batches import Batches
from training.tune.captions import embed_captions
from training.tune.commands import tune as tune_command
from training.tune.memory import Memory
from training.tune.mining import nearest_products, stored_embeddings
from training.tune.recipe import TuneRecipe
from training.tune.run import tune
from training.tune.shots import Shots
from training.tune.stock import Stock, stock_of
from training.watching import read_log
from visionseek.errors import ArtifactError, CheckpointError, InputError
from visionseek.files import sha256_file
from visionseek.pixels import open_image

Make = Callable[..., PictureSet]
MakeFeed = Callable[..., Path]
RECIPE = TuneRecipe(
    steps=6, products_each=4, learning_rate=1e-2, warmup=1, rank=4, seed=1, memory_after=2, mine_every=3
)


class Killed(Exception):
    pass


def image_size(checkpoint: Path) -> int:
    size: int = json.loads((checkpoint / "config.json").read_text())["vision_config"]["image_size"]
    return size


def stock(make: Make, size: int) -> Stock:
    pictures, shown = make(size=size), make(size=size, seed=5)
    sources = [Source(Path(f"{name}.png"), name, name, "") for name in pictures.products for _ in range(2)]
    rows = np.arange(len(sources))
    shots = Shots({"region": shown.pixels, "whole": shown.pixels[::-1].copy()}, rows, rows >= 0, None)
    return stock_of(replace(pictures, captions=tuple(f"ring {n % 4}" for n in range(6))), shots, sources)


def run(
    checkpoint: Path,
    make: Make,
    out: Path,
    stop_after: int | None = None,
    recipe: TuneRecipe = RECIPE,
    **options: Any,
) -> None:
    def on_step(step: int, loss: float) -> None:
        if step == stop_after:
            raise Killed

    shown = stock(make, image_size(checkpoint))
    tune(checkpoint, shown, recipe, out, pixel_rule="pad", save_every=2, on_step=on_step, **options)


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_log(out) if "loss" in line]


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


def test_one_thing_to_show_of_each_product_is_not_enough(make_pictures: Make) -> None:
    alone = stock_of(make_pictures(each=1))
    with pytest.raises(InputError, match="0 of 6 products have two pictures"):
        Batches(
            alone, products_each=4, pictures_each=2, shots_each=0, shares={"region": 1}, hard_share=0, seed=0
        )


def test_mined_neighbours_meet_and_draws_repeat(make_pictures: Make) -> None:
    shown = stock(make_pictures, 32)
    batches = Batches(
        shown,
        products_each=4,
        pictures_each=1,
        shots_each=2,
        shares={"region": 0.5, "whole": 0.5},
        hard_share=0.5,
        seed=3,
    )
    assert (batches(7) == batches(7)).all()
    batches.neighbours = np.array([[3], [4], [5], [0], [1], [2]])
    for step in range(5):
        rows = batches(step)
        drawn = set(shown.labels[rows].tolist())
        assert len(drawn) == 4
        assert len(rows) == 12
        assert sum((product + 3) % 6 in drawn for product in drawn) >= 2


def test_worn_pictures_are_shown_as_often_as_asked(make_pictures: Make) -> None:
    pictures = make_pictures(each=4)
    worn = stock_of(replace(pictures, views=("studio", "studio", "hand", "studio") * 6))

    def share(asked: float) -> float:
        batches = Batches(
            worn,
            products_each=6,
            pictures_each=2,
            shots_each=0,
            shares={},
            hard_share=0,
            seed=0,
            worn_share=asked,
        )
        rows = np.concatenate([batches(step) for step in range(200)])
        return float((rows % 4 == 2).mean())

    assert share(0) == pytest.approx(0.25, abs=0.03)
    assert share(0.5) == pytest.approx(0.4, abs=0.03)  # a product's one worn picture is not shown twice


def test_the_nearest_products_are_those_of_the_nearest_pictures() -> None:
    angles = torch.tensor([0.0, 1.0, 0.05, 2.0, 1.9])
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1).numpy()
    near = nearest_products(embeddings, np.array([0, 0, 1, 2, 3]), products=5, count=2)
    assert near[:4, 0].tolist() == [1, 0, 3, 2]
    assert near.shape == (5, 2)


def test_neighbours_come_from_an_index_of_this_catalog(tmp_path: Path) -> None:
    pictures = []
    for number in range(3):
        pictures.append(tmp_path / f"{number}.jpg")
        pictures[-1].write_bytes(b"picture %d" % number)
    store = EmbeddingStore(tmp_path, "f", 4)
    hashes = [sha256_file(path) for path in pictures[:2]]
    store.append(hashes, np.eye(4, dtype=np.float32)[:2] * 2)
    rows, known = stored_embeddings(tmp_path / "f", pictures)
    assert known.tolist() == [0, 1]
    assert rows.tolist() == np.eye(4)[:2].tolist()
    with pytest.raises(InputError, match="another catalog"):
        stored_embeddings(tmp_path / "f", pictures[2:])
    with pytest.raises(InputError, match="no embedding here"):
        stored_embeddings(tmp_path, pictures)
    (segment,) = (tmp_path / "f").iterdir()
    segment.write_bytes(segment.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="not what was written"):
        stored_embeddings(tmp_path / "f", pictures)


def test_a_memory_forgets_the_oldest_and_is_saved_whole() -> None:
    memory = Memory(4, 2)
    assert len(memory.filled()[1]) == 0
    memory.add(torch.ones(3, 2), torch.tensor([1, 2, 3]))
    memory.add(torch.zeros(2, 2), torch.tensor([4, 5]))
    assert sorted(memory.filled()[1].tolist()) == [2, 3, 4, 5]
    again = Memory(4, 2)
    again.load(memory.state())
    again.add(torch.zeros(1, 2), torch.tensor([6]))
    assert sorted(again.filled()[1].tolist()) == [3, 4, 5, 6]


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
