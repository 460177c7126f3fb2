"""`visionseek train pretrain`, from a feed to a checkpoint that searches with words."""

import copy
import csv
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from training.jina_clip import MINI, JinaCLIP
from training.jina_clip.tokenizing import Tokenizer
from training.pretrain.commands import pretrain
from training.trained_on import read_trained_on
from visionseek.errors import CheckpointError, FeedError, InputError

SMALL = [
    "--steps",
    "3",
    "--products-each",
    "3",
    "--size",
    "32",
    "--warmup",
    "1",
    "--save-every",
    "2",
    "--json",
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tiny = copy.deepcopy(MINI)
    tiny |= {"projection_dim": 32, "matryoshka_dimensions": [16, 32]}
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}
    tiny["text_config"]["embed_dim"] = 32
    tiny["text_config"]["hf_model_config_kwargs"] |= {**sizes, "vocab_size": 300}
    tiny["vision_config"] |= {"embed_dim": 32, "width": 32, "head_width": 16, "layers": 1, "image_size": 48}
    tiny["vision_config"] |= {"pt_hw_seq_len": 3}
    (tmp_path / "config.json").write_text(json.dumps(tiny))
    return tmp_path / "config.json"


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    with (tmp_path / "feed.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "title", "image_link", "additional_image_link", "family", "views", "metal"])
        for number in range(4):
            for view in range(2):
                base = rng.integers(0, 256, (4, 4, 3), np.uint8)
                Image.fromarray(base).resize((60, 50)).save(tmp_path / f"{number}-{view}.png")
            views, further = "studio,hand", f"{number}-1.png"
            writer.writerow(
                [
                    f"p{number}",
                    f"Gold ring {number}",
                    f"{number}-0.png",
                    further,
                    f"f{number // 2}",
                    views,
                    "gold",
                ]
            )
    return tmp_path / "feed.csv"


def run(*words: str) -> Result:
    return CliRunner().invoke(pretrain, words, catch_exceptions=False)


def test_both_towers_learn_and_the_checkpoint_is_whole(config: Path, feed: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run("--feed", str(feed), "--config", str(config), "--out", str(out), *SMALL)
    assert result.exit_code == 0, result.output
    told = json.loads(result.output.splitlines()[-1])
    assert (told["products"], told["pictures"], told["steps"]) == (4, 8, 3)
    assert told["captions"] > 4
    trained = JinaCLIP.from_pretrained(out / "checkpoint")
    fresh = JinaCLIP.from_config(json.loads(config.read_text()), seed=0)
    for tower in ("vision_model", "text_model"):
        before, after = (getattr(model, tower).state_dict() for model in (fresh, trained))
        assert any(not before[name].equal(after[name]) for name in before)
    _ids, mask = Tokenizer.from_pretrained(out / "checkpoint").encode(["gold ring 2"])
    assert mask.sum() >= 5
    seen = read_trained_on(out / "checkpoint")
    assert seen is not None
    assert seen.products == {"p0", "p1", "p2", "p3"}
    assert seen.families == {"f0", "f1"}
    assert {path.name for path in out.iterdir()} >= {"samples.png", "curves.png", "log.jsonl", "state.pt"}


def test_only_studio_pictures_where_asked_and_a_start_is_gone_on_from(
    config: Path, feed: Path, tmp_path: Path
) -> None:
    first = run(
        "--feed", str(feed), "--config", str(config), "--only-studio", "--out", str(tmp_path / "a"), *SMALL
    )
    assert json.loads(first.output.splitlines()[-1])["pictures"] == 4
    start = tmp_path / "a" / "checkpoint"
    second = run("--feed", str(feed), "--start", str(start), "--out", str(tmp_path / "b"), *SMALL)
    assert second.exit_code == 0, second.output
    begun, ended = (JinaCLIP.from_pretrained(tmp_path / name / "checkpoint") for name in "ab")
    for name, value in begun.text_model.state_dict().items():
        assert value.equal(ended.text_model.state_dict()[name]), name
    assert (tmp_path / "b" / "checkpoint" / "vocab.txt").is_file()


def test_what_cannot_be_trained_on_is_told(config: Path, feed: Path, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "x"), *SMALL]
    with pytest.raises(InputError, match="nothing to learn from"):
        run(*out)
    with pytest.raises(InputError, match="no folder here"):
        run("--photos", str(tmp_path / "gone"), *out)
    with pytest.raises(FeedError, match="no feed here"):
        run("--feed", str(tmp_path / "gone.csv"), *out)
    with pytest.raises(CheckpointError, match="no readable configuration"):
        run("--feed", str(feed), "--config", str(feed), *out)
    (tmp_path / "0-0.png").write_bytes(b"no picture")
    result = run("--feed", str(feed), "--config", str(config), *out)
    assert "skipped" in result.output
    assert "0-0.png" in result.output
