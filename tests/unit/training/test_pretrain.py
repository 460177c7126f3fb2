import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.divergence import TrainingDiverged, refuse_divergence
from training.jina_clip import JinaCLIP, Preprocessor
from training.pretrain.batches import batches, draw_products
from training.pretrain.pictures import PictureSet, feed_sources, read_pictures
from training.pretrain.recipe import Recipe
from training.pretrain.run import pretrain
from training.pretrain.variation import vary
from training.saves import load_state
from visionseek.errors import CheckpointError, FeedError, InputError

Make = Callable[..., PictureSet]
RECIPE = Recipe(
    steps=6,
    products_each=4,
    views=2,
    warmup=2,
    size=32,
    final_size=32,
    learning_rate=1e-3,
    ema=0.9,
    text_weight=0.0,
    seed=3,
)


class Killed(Exception):
    pass


def run(
    checkpoint: Path,
    pictures: PictureSet,
    out: Path,
    stop_after: int | None = None,
    recipe: Recipe = RECIPE,
) -> JinaCLIP:
    def on_step(step: int, loss: float) -> None:
        if step == stop_after:
            raise Killed

    clip = JinaCLIP.from_pretrained(checkpoint)
    processor = Preprocessor.from_pretrained(checkpoint)
    return pretrain(clip, processor, pictures, recipe, out, save_every=2, on_step=on_step)


def losses(out: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines}


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, optimizer="muon")])
def test_a_killed_run_ends_as_the_run_that_was_not(
    checkpoint: Path, make_pictures: Make, tmp_path: Path, recipe: Recipe
) -> None:
    pictures = make_pictures()
    whole = run(checkpoint, pictures, tmp_path / "whole", recipe=recipe)
    with pytest.raises(Killed):
        run(checkpoint, pictures, tmp_path / "killed", stop_after=5, recipe=recipe)
    resumed = run(checkpoint, pictures, tmp_path / "killed", recipe=recipe)
    assert losses(tmp_path / "killed")[6] == pytest.approx(losses(tmp_path / "whole")[6], rel=1e-4)
    for name, value in whole.vision_model.state_dict().items():
        torch.testing.assert_close(resumed.vision_model.state_dict()[name], value)


def test_only_the_vision_tower_learns(checkpoint: Path, make_pictures: Make, tmp_path: Path) -> None:
    before = JinaCLIP.from_pretrained(checkpoint)
    after = run(checkpoint, make_pictures(), tmp_path)
    for name, value in before.text_model.state_dict().items():
        assert torch.equal(after.text_model.state_dict()[name], value)
    moved = [
        name
        for name, value in before.vision_model.state_dict().items()
        if not torch.equal(after.vision_model.state_dict()[name], value)
    ]
    assert moved


def test_a_folder_with_another_recipe_is_refused(
    checkpoint: Path, make_pictures: Make, tmp_path: Path
) -> None:
    run(checkpoint, make_pictures(), tmp_path)
    with pytest.raises(CheckpointError, match=r"another recipe.*products"):
        run(checkpoint, make_pictures(products=5), tmp_path)


def test_a_damaged_state_says_so(tmp_path: Path) -> None:
    (tmp_path / "state.pt").write_bytes(b"half a file")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_state(tmp_path, {})


def test_batches_are_whole_pairs_and_start_anywhere(make_pictures: Make) -> None:
    pictures = make_pictures()
    drawn = batches(pictures, products_each=4, views=2, seed=1)
    first = [next(drawn) for _ in range(3)]
    again = next(batches(pictures, products_each=4, views=2, seed=1, start=2))
    assert (first[2] == again).all()
    counts = np.unique(pictures.labels[first[0]], return_counts=True)[1]
    assert (counts == 2).all()


def test_near_twins_meet_in_a_batch() -> None:
    families = np.repeat(np.arange(50), 4)
    chosen = draw_products(np.arange(200), families, 16, np.random.default_rng(0))
    assert len(set(chosen)) == 16
    assert len({int(families[product]) for product in chosen}) == 4


def test_one_product_cannot_be_contrasted(make_pictures: Make) -> None:
    with pytest.raises(InputError, match="two products"):
        next(batches(make_pictures(products=1), products_each=4, views=2, seed=0))


def test_variation_is_repeatable_and_stays_a_picture(make_pictures: Make) -> None:
    pixels = torch.from_numpy(make_pictures().pixels)
    looks = [vary(pixels, 48, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert looks[0].shape == (12, 3, 48, 48)
    assert torch.equal(looks[0], looks[1])
    assert not torch.equal(looks[0], looks[2])
    assert float(looks[0].min()) >= 0
    assert float(looks[0].max()) <= 1


def test_runs_that_went_wrong_stop_with_the_reason() -> None:
    with pytest.raises(TrainingDiverged, match="nan at step 7"):
        refuse_divergence(7, torch.tensor(float("nan")), torch.eye(3))
    with pytest.raises(TrainingDiverged, match="become one"):
        refuse_divergence(70, torch.tensor(1.0), torch.eye(3)[[0, 0, 0]])
    refuse_divergence(70, torch.tensor(1.0), torch.eye(3))


def test_a_feed_that_is_not_there_or_lacks_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="no feed here"):
        feed_sources(tmp_path / "feed.csv")
    (tmp_path / "feed.csv").write_text("id,title\n1,x\n")
    with pytest.raises(FeedError, match="image_link"):
        feed_sources(tmp_path / "feed.csv")
    (tmp_path / "feed.csv").write_text("id,image_link\n1,gone.jpg\n")
    with pytest.raises(FeedError, match="none of 1 pictures"):
        read_pictures(feed_sources(tmp_path / "feed.csv"), size=32, rule="pad")
