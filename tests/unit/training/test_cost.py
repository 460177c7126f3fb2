import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from training.recipes import recipe_names
from training.tune.commands import tune
from training.tune.cost import cost
from training.tune.recipe import TuneRecipe
from training.tune.sizes import sizes_of
from visionseek.errors import VisionSeekError

RECIPE = TuneRecipe(steps=10, products_each=4, rank=4)


def test_a_dry_run_needs_no_weights_and_no_pictures(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copy(checkpoint / "config.json", tmp_path)
    arguments = [
        "--dry-run",
        "--json",
        "--checkpoint",
        str(tmp_path),
        "--steps",
        "10",
        "--feed",
        "nowhere.csv",
    ]
    result = CliRunner().invoke(tune, arguments, catch_exceptions=False)
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["steps"] == 10
    assert found["timed_on"] == "blocks of that size, 8 pictures"
    assert found["seconds"] == pytest.approx(10 * found["seconds_each_step"])
    assert 0 < found["trained_parameters"] < found["parameters"]
    assert list(tmp_path.iterdir()) == [tmp_path / "config.json"]


def test_checkpointing_costs_work_and_saves_memory(checkpoint: Path) -> None:
    kept, again = (cost(str(checkpoint), replace(RECIPE, checkpointing=on)) for on in (False, True))
    assert again.activations_bytes < kept.activations_bytes / 2
    assert 1.2 < again.gflop_each_image / kept.gflop_each_image < 1.7
    assert kept.timed_on == "two steps of the whole tower"


@pytest.mark.parametrize("times", [0.5, 2])
def test_a_growing_run_costs_the_memory_of_its_largest_pictures(checkpoint: Path, times: float) -> None:
    own = sizes_of(str(checkpoint)).vision.image_size
    other = int(own * times)
    growing, first, last = (
        cost(str(checkpoint), replace(RECIPE, size=size, growing_share=share))
        for size, share in ((other, 0.5), (other, 0.0), (own, 0.0))
    )
    assert growing.peak_bytes == max(first.peak_bytes, last.peak_bytes)
    mean = 0.75 * first.gflop_each_image + 0.25 * last.gflop_each_image
    assert growing.gflop_each_image == pytest.approx(mean)


def test_fewer_patches_cost_less_work_and_memory(checkpoint: Path) -> None:
    few, growing, everything = (
        cost(str(checkpoint), replace(RECIPE, patches=patches, growing_share=share))
        for patches, share in ((4, 0.0), (4, 0.5), (0, 0.0))
    )
    assert few.gflop_each_image < growing.gflop_each_image < everything.gflop_each_image
    assert few.peak_bytes < growing.peak_bytes == everything.peak_bytes


def test_published_sizes_are_known_without_the_network() -> None:
    v1, v2 = sizes_of("jinaai/jina-clip-v1"), sizes_of("jinaai/jina-clip-v2")
    assert (v1.vision.image_size, v1.vision.width, v2.vision.image_size, v2.vision.width) == (
        224,
        768,
        512,
        1024,
    )
    assert v1.folder is None


def test_every_recipe_is_one_that_the_command_takes() -> None:
    assert {"mini", "jina-v1-lora", "jina-v2-lora"} <= set(recipe_names())
    for name in recipe_names():
        result = CliRunner().invoke(tune, ["--recipe", name])
        assert "Missing option '--out'" in result.output, name


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VisionSeekError, match="no device 'abacus'"):
        raise (
            CliRunner().invoke(tune, ["--out", str(tmp_path), "--device", "abacus"]).exception
            or AssertionError
        )
