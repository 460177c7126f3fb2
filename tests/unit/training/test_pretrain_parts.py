"""The parts of training from scratch: captions, tokens, pieces, sizes, processes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from training.captions import phrases
from training.jina_clip.tokenizing import Tokenizer
from training.jina_clip.vocabulary import train_vocabulary
from training.losses import multi_positive
from training.pretrain.pictures import Source, folder_sources, read_pictures
from training.pretrain.pieces import backward_in_pieces
from training.pretrain.recipe import Recipe
from training.pretrain.wording import wording

ROW = {
    "id": "a-1", "title": "Oval ruby halo ring in 18k rose gold", "category": "ring", "style": "halo",
    "metal": "rose gold", "stone": "ruby", "shape": "oval", "setting": "halo", "shank": "twist", "chain": "",
}  # fmt: skip


def test_captions_speak_of_the_product_and_repeat_themselves_exactly() -> None:
    said = phrases(ROW, 12)
    assert said == phrases(dict(ROW), 12)
    assert said[0] == ROW["title"]
    assert len(set(said)) == len(said) == 12
    assert all("ring" in caption for caption in said)
    assert sum("ruby" in caption for caption in said) > 6
    assert not any("  " in caption or caption != caption.strip() for caption in said)
    assert phrases({"id": "b", "title": ""}, 12) == ()
    assert phrases({"id": "b", "title": "A thing"}, 12) == ("A thing",)


def test_pieces_give_the_gradient_of_the_whole_batch() -> None:
    torch.manual_seed(0)
    inputs, labels = torch.randn(12, 5), torch.arange(12) // 2
    gradients = []
    for pieces in (1, 3):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 4))

        def encode(part: torch.Tensor, model: nn.Module = model) -> torch.Tensor:
            return functional.normalize(model(part), dim=-1)

        loss, embeddings = backward_in_pieces(
            encode, inputs, lambda rows: multi_positive(rows, labels, 0.2), pieces=pieces, seed=3
        )
        assert embeddings.shape == (12, 4)
        assert not loss.requires_grad
        gradients.append([parameter.grad for parameter in model.parameters()])
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, parts)


def test_pieces_draw_the_same_random_numbers_both_times() -> None:
    drop = nn.Dropout(0.5)
    weight = nn.Parameter(torch.ones(4, 6))
    seen: list[torch.Tensor] = []

    def encode(part: torch.Tensor) -> torch.Tensor:
        seen.append(drop(part * weight))
        return seen[-1]

    backward_in_pieces(encode, torch.ones(8, 4, 6), lambda rows: rows.pow(2).sum(), pieces=2, seed=5)
    assert len(seen) == 4
    for first, second in ((seen[0], seen[2]), (seen[1], seen[3])):
        assert torch.equal(first.detach(), second.detach())


def test_pictures_grow_to_the_final_size() -> None:
    recipe = Recipe(steps=100, size=96, final_size=224, growing_share=0.5)
    sizes = [recipe.size_at(step, 16) for step in range(100)]
    assert sizes[:49] == [96] * 49
    assert sizes[-1] == 224
    assert sizes == sorted(sizes)
    assert all(size % 16 == 0 for size in sizes)
    still = Recipe(steps=10, size=224, final_size=224, growing_share=0.0)
    assert {still.size_at(step, 16) for step in range(10)} == {224}


def test_captions_become_tokens_and_long_ones_are_counted(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (40, 40), "red").save(tmp_path / "p.png")
    long = "gold " * 60
    sources = [
        Source(tmp_path / "p.png", "a", "a", "gold ring", phrases=("gold ring", "ring of gold")),
        Source(tmp_path / "p.png", "b", "b", long, phrases=("gold ring", long)),
        Source(tmp_path / "p.png", "c", "c", ""),
    ]
    pictures = read_pictures(sources, size=32, rule="pad")
    fast = train_vocabulary([phrase for source in sources for phrase in source.phrases], 300)
    words = wording(pictures, Tokenizer(fast, 0), max_tokens=16)
    assert words is not None
    assert words.ids.shape[1] == 16
    assert words.cut == 1
    places, rows = words.draw(np.array([2, 0, 1, 2]), np.random.default_rng(0))
    assert places.tolist() == [1, 2]
    assert set(rows.tolist()) <= set(range(len(words.ids)))
    none = read_pictures(sources[2:], size=32, rule="pad")
    assert wording(none, Tokenizer(fast, 0), max_tokens=16) is None


def test_photographs_of_a_style_belong_together_and_keep_their_names(tmp_path: Path) -> None:
    from PIL import Image

    for style in ("002", "004"):
        (tmp_path / style).mkdir()
        for number in range(3):
            Image.new("RGB", (32, 32), (number * 60, 0, 0)).save(tmp_path / style / f"{number}.png")
    pictures = read_pictures(folder_sources(tmp_path, group_by_folder=True), size=32, rule="pad")
    assert pictures.products == ("002", "004")
    assert pictures.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert pictures.members[:2] == ("002/0.png", "002/1.png")
    assert read_pictures(folder_sources(tmp_path), size=32, rule="pad").labels.tolist() == list(range(6))


_TWO = """
import torch
from torch import nn
from torch.nn import functional
from training.distributed import crew
from training.losses import multi_positive

torch.set_num_threads(1)
inputs, labels = torch.randn(8, 5, generator=torch.Generator().manual_seed(0)), torch.arange(8) // 2
def gradient(together):
    torch.manual_seed(1)
    model, idle = nn.Linear(5, 4), nn.Parameter(torch.ones(3))
    rows = functional.normalize(model(together.share(inputs)), dim=-1)
    loss = multi_positive(together.gather(rows), together.gather(together.share(labels)), 0.2)
    loss = loss + (idle.sum() if together.leads else 0)
    loss.backward()
    together.average([*model.parameters(), idle])
    return model.weight.grad, idle.grad
with crew() as together:
    weight, idle = gradient(together)
    from training.distributed import Crew
    alone, _ = gradient(Crew())
    torch.testing.assert_close(weight, alone)
    torch.testing.assert_close(idle, torch.full((3,), 1 / together.size))
    together.wait()
    if together.leads:
        print("agreed on", together.size)
"""


@pytest.mark.timeout(180)
def test_two_processes_have_the_gradient_of_one(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(_TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        [*command, str(tmp_path / "two.py")],
        env={**os.environ, "PYTHONPATH": root, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "agreed on 2" in ran.stdout
