"""A vocabulary learned from captions, and the checkpoint folder that it is saved into."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch

from training.jina_clip import JinaCLIP, Tokenizer, save_vocabulary, train_vocabulary
from training.jina_clip.vocabulary import SPECIAL
from visionseek.errors import CheckpointError, InputError

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"


def captions(count: int = 500) -> list[str]:
    rng = random.Random(3)
    metals, kinds = ["Gold", "silver", "platinum", "palladium"], ["ring", "necklace", "bracelet", "brooch"]
    settings = ["pavé", "bezel", "prong", "halo", "channel"]
    return [
        f"{rng.choice(metals)} {rng.choice(kinds)}, {rng.choice(settings)}-set, {rng.randint(1, 60)} stones"
        for _ in range(count)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ASSETS / "v1_a", tmp_path / "v1_a"))


@pytest.mark.parametrize("size", [77, 120, 400])
def test_the_same_captions_in_any_order_give_the_same_vocabulary(size: int) -> None:
    first = train_vocabulary(captions(), size)
    for _ in range(3):
        again = captions()
        random.shuffle(again)
        assert train_vocabulary(iter(again), size).to_str() == first.to_str()
    ids = first.get_vocab()
    assert len(ids) <= size
    assert sorted(ids.values()) == list(range(len(ids)))
    assert [ids[token] for token in SPECIAL] == [0, 1, 2, 3, 4]


def test_common_words_are_one_piece_and_new_ones_are_spelt() -> None:
    fast = train_vocabulary(captions(), 400)
    assert fast.encode("A PAVÉ Necklace!").tokens == ["[CLS]", "a", "pave", "necklace", "[UNK]", "[SEP]"]
    assert fast.encode("zqx").tokens == ["[CLS]", "z", "##q", "##x", "[SEP]"]
    assert "gold" in fast.get_vocab()
    assert not [piece for piece in fast.get_vocab() if piece not in SPECIAL and piece.lower() != piece]


def test_the_saved_files_load_as_the_checkpoint_s_tokenizer(folder: Path) -> None:
    size = JinaCLIP.from_pretrained(folder).config.text_config.backbone.vocab_size
    fast = train_vocabulary(captions(), size)
    save_vocabulary(fast, folder)
    texts = ["Gold ring", "a platinum BROOCH, channel-set [SEP] with 41 stones", ""]
    ids, mask = Tokenizer.from_pretrained(folder).encode(texts)
    (folder / "tokenizer.json").unlink()  # vocab.txt alone says the same
    again, _ = Tokenizer.from_pretrained(folder).encode(texts)
    assert (ids == again).all()
    assert ids[0, :4].tolist() == [fast.token_to_id(t) for t in ("[CLS]", "gold", "ring", "[SEP]")]
    assert ids[0, -1] == 0
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    assert settings["tokenizer_class"] == "BertTokenizer"
    assert settings["do_lower_case"] is True
    assert settings["pad_token"] == "[PAD]"
    embedded = JinaCLIP.from_pretrained(folder).encode_text(torch.from_numpy(ids), torch.from_numpy(mask))
    assert torch.isfinite(embedded).all()


def test_saving_a_model_takes_its_vocabulary_along(folder: Path, tmp_path: Path) -> None:
    save_vocabulary(train_vocabulary(captions(), 77), folder)
    JinaCLIP.from_pretrained(folder).save_pretrained(tmp_path / "again")
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_a_vocabulary_above_the_embedding_s_rows_is_refused(folder: Path) -> None:
    rows = JinaCLIP.from_pretrained(folder).config.text_config.backbone.vocab_size
    save_vocabulary(train_vocabulary([f"stone{n} stone{n}" for n in range(10 * rows)], rows + 1), folder)
    with pytest.raises(CheckpointError, match="text tower has"):
        Tokenizer.from_pretrained(folder)


def test_odd_captions_do_no_harm() -> None:
    odd = ["", "   ", "\u200d\ufeff", "x" * 20_000, "[CLS] ##ing", "漢字 🙂", "ring\u2028ring\x00"]
    fast = train_vocabulary([*odd, *(chr(0x4E00 + n) for n in range(500))], 100)
    assert fast.get_vocab_size() <= 100
    assert fast.encode("ring").tokens[1] != "[UNK]"
    assert fast.encode("x" * 200).tokens == ["[CLS]", "[UNK]", "[SEP]"]


def test_nothing_to_learn_and_too_small_a_size_are_refused() -> None:
    with pytest.raises(InputError, match="no word"):
        train_vocabulary(["", " "], 100)
    with pytest.raises(InputError, match="cannot spell"):
        train_vocabulary(captions(), 76)
