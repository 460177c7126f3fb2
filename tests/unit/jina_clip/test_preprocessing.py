"""Pictures and texts become tensors by what the checkpoint's own files say."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tokenizers

from training.jina_clip import JinaCLIP, Preprocessor, Tokenizer
from training.jina_clip.folder import resolve
from visionseek.errors import CheckpointError, ImageRejected, Unavailable

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "gold", "ring", "##s", "with", "a", "diamond", "."]


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS / "v1_a", tmp_path / "v1_a"))


def test_the_two_rules_survive_saving(tmp_path: Path) -> None:
    for made in (Preprocessor(224), Preprocessor(60, "pad", (0.5, 0.5, 0.5), (0.1, 0.2, 0.3))):
        made.save_pretrained(tmp_path)
        assert Preprocessor.from_pretrained(tmp_path) == made


@pytest.mark.parametrize(
    "changes",
    [{"size": 0}, {"size": "big"}, {"resize_mode": "squash"}, {"resize_mode": "longest"}, {"mean": [1, 2]},
     {"interpolation": "nearest"}, {"std": None}],
)  # fmt: skip
def test_rules_that_are_not_built_are_refused(v1: Path, changes: dict[str, Any]) -> None:
    path = v1 / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(CheckpointError, match=r"preprocessor_config\.json"):
        Preprocessor.from_pretrained(v1)


def test_no_pictures_are_an_empty_batch_and_bad_ones_are_refused(v1: Path) -> None:
    made = Preprocessor.from_pretrained(v1)
    assert made([]).shape == (0, 3, 32, 32)
    with pytest.raises(ImageRejected):
        made([b"rubbish"])


def test_a_vocabulary_is_word_piece(v1: Path) -> None:
    (v1 / "vocab.txt").write_text("\n".join(WORDS))
    ids, mask = Tokenizer.from_pretrained(v1).encode(["Gold RINGS with a diamond.", "ring", "zinc"])
    assert ids.tolist() == [
        [2, 4, 5, 6, 7, 8, 9, 10, 3],
        [2, 5, 3, 0, 0, 0, 0, 0, 0],
        [2, 1, 3, 0, 0, 0, 0, 0, 0],
    ]
    assert mask.sum(1).tolist() == [9, 3, 3]
    assert ids.dtype == mask.dtype == np.int64


def test_a_vocabulary_is_split_at_newlines_only(v1: Path) -> None:
    (v1 / "vocab.txt").write_bytes("\r\n".join([*WORDS, "\u2028", "\x85", "zinc"]).encode() + b"\r\n")
    fast = Tokenizer.from_pretrained(v1).fast
    assert fast.get_vocab_size() == 14
    assert fast.token_to_id("zinc") == 13


def test_texts_are_truncated_with_their_end_token(v1: Path) -> None:
    (v1 / "vocab.txt").write_text("\n".join(WORDS))
    made = Tokenizer.from_pretrained(v1)
    assert made.encode(["ring " * 600])[0].shape == (1, 512)
    assert made.encode(["ring " * 9], max_tokens=4)[0].tolist() == [[2, 5, 5, 3]]
    assert made.encode([])[0].shape == (0, 0)


def test_the_v2_tokenizer_file_pads_with_its_own_id_and_puts_instructions_before(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(ASSETS / "v2_a", tmp_path / "v2_a"))
    pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        ("\u2581ring", -1.0),
        ("\u2581", -2.0),
    ]
    fast = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=3))
    fast.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    fast.post_processor = tokenizers.processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast.save(str(folder / "tokenizer.json"))
    made = Tokenizer.from_pretrained(folder)
    ids, mask = made.encode(["ring", "ring ring"])
    assert ids.tolist() == [[0, 4, 2, 1], [0, 4, 4, 2]]
    assert mask.tolist() == [[1, 1, 1, 0], [1, 1, 1, 1]]
    assert made.encode(["ring"], task="retrieval.query")[0].shape[1] > 3
    with pytest.raises(ValueError, match="no instruction for task 'cooking'"):
        made.encode(["ring"], task="cooking")


def test_tokenizers_that_do_not_fit_are_refused(v1: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no tokenizer\.json"):
        Tokenizer.from_pretrained(v1)
    (v1 / "vocab.txt").write_text("gold\nring")
    with pytest.raises(CheckpointError, match=r"lacks \[UNK\]"):
        Tokenizer.from_pretrained(v1)
    (v1 / "vocab.txt").write_text("\n".join(WORDS + [f"w{i}" for i in range(400)]))
    with pytest.raises(CheckpointError, match="411 tokens, but the text tower has 384"):
        Tokenizer.from_pretrained(v1)
    (v1 / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match="no readable tokenizer"):
        Tokenizer.from_pretrained(v1)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
    """A hub that holds one checkpoint; returns the list that downloaded files are noted in."""
    import huggingface_hub

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))

    def make(source: Path, commit: str, *, offline: bool = False) -> list[str]:
        fetched: list[str] = []
        known = [
            *(path.name for path in source.iterdir() if path.is_file()),
            "onnx/model.onnx",
            "pytorch_model.bin",
        ]

        class Api:
            def model_info(self, name: str, revision: str) -> Any:
                if offline:
                    raise ConnectionError("Name or service not known")
                if revision != commit:
                    raise huggingface_hub.errors.RevisionNotFoundError("no", response=_Response())  # type: ignore[arg-type]
                return SimpleNamespace(
                    sha=commit, siblings=[SimpleNamespace(rfilename=file) for file in known]
                )

            def list_repo_commits(self, name: str) -> list[Any]:
                return [SimpleNamespace(commit_id=commit)]

        def fetch(name: str, file: str, revision: str) -> str:
            assert revision == commit
            target = tmp_path / "cache" / f"models--{name.replace('/', '--')}" / "snapshots" / commit / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / file, target)
            fetched.append(file)
            return str(target)

        monkeypatch.setattr("huggingface_hub.HfApi", Api)
        monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
        return fetched

    return make


class _Response:
    status_code = 404
    headers: dict[str, str] = {}  # noqa: RUF012
    request = None


def test_a_hub_id_fetches_the_needed_files_of_the_built_in_commit_once(hub: Callable[..., list[str]]) -> None:
    commit = "76ee958" + "0" * 33
    fetched = hub(ASSETS / "v1_a", commit)
    JinaCLIP.from_pretrained("jinaai/jina-clip-v1")
    assert fetched == ["config.json", "preprocessor_config.json", "model.safetensors"]
    hub(ASSETS / "v1_a", commit, offline=True)
    JinaCLIP.from_pretrained("jinaai/jina-clip-v1")  # from the cache, without a network


def test_a_cache_without_the_configuration_is_filled(hub: Callable[..., list[str]], tmp_path: Path) -> None:
    commit = "b" * 40
    snapshot = tmp_path / "cache" / "models--someone--some-clip" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    shutil.copy(ASSETS / "v1_a" / "model.safetensors", snapshot)
    fetched = hub(ASSETS / "v1_a", commit)
    JinaCLIP.from_pretrained("someone/some-clip", revision=commit)
    assert "config.json" in fetched


def test_without_a_network_the_error_says_what_to_run(hub: Callable[..., list[str]]) -> None:
    hub(ASSETS / "v1_a", "x", offline=True)
    with pytest.raises(
        Unavailable, match=r"(?s)cannot be reached.*hf download jinaai/jina-clip-v2 --revision e10d47f"
    ):
        resolve("jinaai/jina-clip-v2")


def test_another_id_needs_a_revision_that_exists(hub: Callable[..., list[str]]) -> None:
    with pytest.raises(CheckpointError, match="needs a revision"):
        resolve("someone/some-clip")
    hub(ASSETS / "v1_a", "a" * 40)
    with pytest.raises(CheckpointError, match="no such files at revision bbb"):
        resolve("someone/some-clip", "bbb")
