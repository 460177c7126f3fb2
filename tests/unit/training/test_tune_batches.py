"""Which products meet in a batch, and what is remembered of earlier ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from search.embeddings import EmbeddingStore
from tests.support.tuning import RECIPE, Make, stock
from training.tune.batches import Batches
from training.tune.memory import Memory
from training.tune.mining import nearest_products, stored_embeddings
from training.tune.objective import Objective
from training.tune.stock import stock_of
from visionseek.errors import ArtifactError, InputError
from visionseek.files import sha256_file


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


def test_a_step_without_a_positive_in_the_memory_has_no_such_loss(make_pictures: Make) -> None:
    shown = stock(make_pictures, 32)
    objective = Objective(
        replace(RECIPE, memory_after=0, keep_weight=0, arcface_weight=0), shown, None, None, 8
    )
    first, other = (np.flatnonzero(shown.labels == product)[:2] for product in (0, 1))
    embeddings = functional.normalize(torch.randn(2, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert "memory" not in objective.terms(0, embeddings, first)
    assert "memory" not in objective.terms(1, embeddings, other)
    assert objective.terms(2, embeddings, first)["memory"].item() > 0


def test_the_memory_alone_must_be_used_from_the_first_step(make_pictures: Make) -> None:
    alone: dict[str, Any] = {"contrast_weight": 0, "arcface_weight": 0, "text_weight": 0, "keep_weight": 0}
    with pytest.raises(InputError, match="nothing to teach in the first 2 steps"):
        replace(RECIPE, **alone)
    recipe = replace(RECIPE, **alone, memory_after=0)
    objective = Objective(recipe, shown := stock(make_pictures, 32), None, None, 8)
    embeddings = functional.normalize(torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert float(objective.weigh(objective.terms(0, embeddings, np.arange(4)))) == 0
    assert shown.labels[:4].tolist() == [0, 0, 1, 1]
