import pytest
import torch
from torch.nn import functional

from training.divergence import (
    LossJump,
    TrainingDiverged,
    directions,
    refuse_divergence,
    refuse_gradient,
)


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    for wrong in ("nan", "inf"):
        with pytest.raises(TrainingDiverged, match=f"{wrong} at step 0"):
            refuse_divergence(0, torch.tensor(float(wrong)), torch.eye(3))
        with pytest.raises(TrainingDiverged, match=f"norm is {wrong}"):
            refuse_gradient(0, float(wrong))


def test_embeddings_on_one_line_are_found_and_spread_ones_are_not() -> None:
    line = torch.linspace(-0.3, 0.3, 24)
    collapsed = torch.stack([line.cos(), line.sin(), torch.zeros(24)], dim=1)
    assert directions(collapsed) < 1.1
    with pytest.raises(TrainingDiverged, match="12 products lie on one line at step 60"):
        refuse_divergence(60, torch.tensor(1.0), collapsed, products=12)
    refuse_divergence(60, torch.tensor(1.0), collapsed)  # two products always lie on a line
    spread = functional.normalize(torch.randn(24, 8, generator=torch.Generator().manual_seed(0)), dim=-1)
    assert directions(spread) > 4
    refuse_divergence(60, torch.tensor(1.0), spread, products=12)


def test_a_loss_that_jumped_for_good_stops_and_a_single_peak_does_not() -> None:
    jump = LossJump([1.0] * 60)
    for step in range(9):
        jump.refuse(step, 5.0)
    jump.refuse(9, 1.0)
    for step in range(9):
        jump.refuse(step, 5.0)
    with pytest.raises(TrainingDiverged, match=r"jumped from 1 to 5 .* step 77"):
        jump.refuse(77, 5.0)


def test_a_young_run_may_jump() -> None:
    jump = LossJump()
    for step, loss in enumerate([1.0] * 20 + [9.0] * 20):
        jump.refuse(step, loss)
