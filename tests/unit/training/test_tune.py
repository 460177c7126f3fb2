import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from export.encoder import export_encoder
from training.adapters import merge, read_adapter
from training.jina_clip import JinaCLIP
from training.pretrain.pictures import PictureSet, Source
from training.split import require_apart, split_by_family
from training.tune.commands import tune as tune_command
from training.tune.run import TuneRecipe, tune
from visionseek.errors import ArtifactError, CheckpointError, InputError
from visionseek.pixels import open_image

Make = Callable[..., PictureSet]
RECIPE = TuneRecipe(steps=6, products_each=4, learning_rate=1e-2, warmup=1, rank=4, alpha=4, seed=1)


class Killed(Exception):
    pass


def image_size(checkpoint: Path) -> int:
    size: int = json.loads((checkpoint / "config.json").read_text())["vision_config"]["image_size"]
    return size


def run(checkpoint: Path, make: Make, out: Path, stop_after: int | None = None) -> None:
    def on_step(step: int, loss: float) -> None:
        if step == stop_after:
            raise Killed

    size = image_size(checkpoint)
    pictures, shots = make(size=size), make(size=size, seed=5)
    tune(checkpoint, pictures, shots, RECIPE, out, pixel_rule="pad", save_every=2, on_step=on_step)


def last_loss(out: Path) -> float:
    loss: float = json.loads((out / "log.jsonl").read_text().splitlines()[-1])["loss"]
    return loss


def test_a_killed_run_resumes_to_the_same_loss(checkpoint: Path, make_pictures: Make, tmp_path: Path) -> None:
    run(checkpoint, make_pictures, tmp_path / "whole")
    with pytest.raises(Killed):
        run(checkpoint, make_pictures, tmp_path / "killed", stop_after=5)
    run(checkpoint, make_pictures, tmp_path / "killed")
    assert last_loss(tmp_path / "killed") == pytest.approx(last_loss(tmp_path / "whole"), rel=1e-4)


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


def test_the_command_reports_recall_before_and_after(checkpoint: Path, tmp_path: Path) -> None:
    rows = ["id,title,image_link,family"]
    rng = np.random.default_rng(0)
    for number in range(16):
        name = f"{number}.png"
        pixels = np.kron(rng.integers(0, 256, (6, 6, 3)), np.ones((12, 12, 1), int)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        rows.append(f"p{number},Ring {number},{name},f{number}")
    (tmp_path / "feed.csv").write_text("\n".join(rows) + "\n")
    arguments = ["--feed", str(tmp_path / "feed.csv"), "--checkpoint", str(checkpoint)]
    arguments += ["--out", str(tmp_path / "out"), "--steps", "2", "--rank", "2", "--shots", "1", "--json"]
    result = CliRunner().invoke(tune_command, arguments, catch_exceptions=False)
    report = json.loads(result.stdout.splitlines()[-1])
    assert report["queries"] >= 1
    for moment in ("recall_before", "recall_after"):
        value, low, high = report[moment]["recall@10"]
        assert 0 <= low <= value <= high <= 1
    assert (tmp_path / "out" / "manifest.json").is_file()
