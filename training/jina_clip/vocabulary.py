"""A WordPiece vocabulary of one's own, learned from captions and stored as the published v1 stores its.

captions -> words, counted by BERT's lower-casing rules -> pieces -> `vocab.txt`, `tokenizer.json`,
`tokenizer_config.json`.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

from training.jina_clip.tokenizing import MAX_TOKENS, word_piece
from visionseek.errors import InputError
from visionseek.files import write_atomically

SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
"""The first ids, in BERT's order and without its unused rows: [PAD] is 0."""

_INSIDE: Final = "##"
# In every vocabulary, so that a word of a query that no caption has is spelt out and not lost.
_ALWAYS: Final = string.ascii_lowercase + string.digits
_LEAST_COUNT: Final = 2
# WordPiece makes [UNK] of longer words.
_LONGEST_WORD: Final = 100


def train_vocabulary(captions: Iterable[str], size: int) -> tokenizers.Tokenizer:
    """Learn a WordPiece tokenizer; the same captions in any order give the same one, id by id.

    Args:
        captions: texts to learn from, read once.
        size: pieces at most, special ones included; fewer where the captions have no more.

    Raises:
        InputError: no word in the captions, or `size` too small for letters and digits.
    """
    least = len(SPECIAL) + 2 * len(_ALWAYS)
    if size < least:
        raise InputError(f"a vocabulary of {size} cannot spell words", mend=f"allow {least} pieces or more")
    words = _count_words(captions)
    if not words:
        raise InputError("no word to learn a vocabulary from", mend="give captions that are not empty")
    alphabet = _alphabet(words, (size - len(SPECIAL)) // 2)
    known = {
        word: count
        for word, count in words.items()
        if len(word) <= _LONGEST_WORD and alphabet.issuperset(word)
    }
    inside = {letter for word in known for letter in word[1:]} | set(_ALWAYS)
    letters = [*sorted(alphabet), *(_INSIDE + letter for letter in sorted(inside))]
    return word_piece([*SPECIAL, *letters, *_merges(known, letters, size - len(SPECIAL))])


def save_vocabulary(fast: tokenizers.Tokenizer, folder: Path | str) -> None:
    """Write `vocab.txt`, `tokenizer.json` and `tokenizer_config.json` into a checkpoint folder.

    Raises:
        OSError: the disk refused.
    """
    folder = Path(folder)
    vocabulary = sorted(fast.get_vocab().items(), key=lambda item: item[1])
    settings = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        "model_max_length": MAX_TOKENS,
        **{f"{token.strip('[]').lower()}_token": token for token in SPECIAL},
    }
    write_atomically(folder / "vocab.txt", "".join(f"{piece}\n" for piece, _ in vocabulary).encode())
    write_atomically(folder / "tokenizer.json", (fast.to_str(pretty=True) + "\n").encode())
    write_atomically(folder / "tokenizer_config.json", (json.dumps(settings, indent=2) + "\n").encode())


def _count_words(captions: Iterable[str]) -> Counter[str]:
    normalizer, splitter = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
    words: Counter[str] = Counter()
    for caption in captions:
        words.update(word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(caption)))
    return words


def _alphabet(words: Counter[str], most: int) -> set[str]:
    """Letters and digits, then the commonest other characters; words with rarer ones become [UNK]."""
    counts: Counter[str] = Counter()
    for word, count in words.items():
        for letter in word:
            counts[letter] += count
    others = sorted(counts.keys() - set(_ALWAYS), key=lambda letter: (-counts[letter], letter))
    return {*_ALWAYS, *others[: most - len(_ALWAYS)]}


def _merges(words: dict[str, int], letters: Sequence[str], most: int) -> list[str]:
    """Return the pieces longer than a letter, in the order in which they were learned.

    The library numbers the letters as its hash table happens to give them, and breaks ties between equally
    common pairs by these numbers. Naming the letters as special tokens fixes the numbers.
    """
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(most, len(letters)),
        min_frequency=_LEAST_COUNT,
        special_tokens=list(letters),
        show_progress=False,
    )
    learner = tokenizers.Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator(_repeated(words), trainer)
    ids = learner.get_vocab()
    given = set(letters)
    return sorted((piece for piece in ids if piece not in given), key=ids.__getitem__)


def _repeated(words: dict[str, int]) -> Iterator[str]:
    for word, count in sorted(words.items()):
        yield " ".join([word] * count)
