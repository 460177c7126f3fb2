import copy
from typing import get_args

import pytest
import torch
from torch import nn

from training.optimizer import Kind, Optimizer


def parameters() -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    shapes = {
        "blocks.0.w": (6, 4),
        "blocks.0.bias": (6,),
        "word_embeddings.w": (9, 4),
        "patch.w": (4, 3, 2, 2),
    }
    return {name: nn.Parameter(torch.randn(shape, generator=generator)) for name, shape in shapes.items()}


def step(optimizer: Optimizer, learning: dict[str, nn.Parameter]) -> None:
    optimizer.zero_grad()
    torch.stack([parameter.square().sum() for parameter in learning.values()]).sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step(0.5)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_parameter_moves_and_a_copy_goes_on_alike(kind: Kind) -> None:
    first, second = parameters(), parameters()
    one = Optimizer(first, kind, learning_rate=0.1, weight_decay=0.01)
    step(one, first)
    for name, parameter in parameters().items():
        assert not torch.equal(first[name], parameter), name
    other = Optimizer(second, kind, learning_rate=0.1, weight_decay=0.01)
    other.load_state_dict(copy.deepcopy(one.state_dict()))
    for name, parameter in second.items():
        parameter.data.copy_(first[name].data)
    step(one, first)
    step(other, second)
    for name in first:
        assert torch.equal(first[name], second[name]), name


def test_muon_turns_hidden_matrices_only_as_fast_as_adamw() -> None:
    adamw, muon = parameters(), parameters()
    step(Optimizer(adamw, "adamw", learning_rate=0.1, weight_decay=0.0), adamw)
    step(Optimizer(muon, "muon", learning_rate=0.1, weight_decay=0.0), muon)
    differing = [name for name in adamw if not torch.equal(adamw[name], muon[name])]
    assert differing == ["blocks.0.w"]
    moved = muon["blocks.0.w"] - parameters()["blocks.0.w"]
    # an orthogonal update times 0.2 * sqrt(6) and the rate, within what Newton-Schulz is exact to
    lengths = torch.linalg.svdvals(moved.detach()) / (0.05 * 0.2 * 6**0.5)
    assert bool(((lengths > 0.6) & (lengths < 1.3)).all())


def test_some_learn_faster_and_only_what_is_there_gets_an_optimiser() -> None:
    matrix, centres = nn.Parameter(torch.ones(4, 4)), nn.Parameter(torch.ones(3, 2, 4))
    optimizer = Optimizer(
        {"lora_A": matrix}, "muon", learning_rate=0.1, weight_decay=0.0, faster=[centres], faster_rate=10.0
    )
    step(optimizer, {"lora_A": matrix, "centres": centres})
    # AdamW's first step is the rate itself: 0.5 of the peak, ten times
    torch.testing.assert_close(centres.detach(), torch.full_like(centres, 1 - 0.5), rtol=0, atol=1e-4)
    alone = Optimizer({"lora_A": matrix}, "muon", learning_rate=0.1, weight_decay=0.0)
    step(alone, {"lora_A": matrix})
    assert len(alone.state_dict()["parts"]) == 1
