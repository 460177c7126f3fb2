"""Texts to ids, through the `tokenizers` library alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tokenizers

from training.jina_clip.config import JinaCLIPConfig
from visionseek.errors import CheckpointError

MAX_TOKENS = 512
"""Where the published `encode_text` truncates."""


@dataclass(frozen=True)
class Tokenizer:
    """A checkpoint's tokenizer.

    Attributes:
        fast: the tokenizer of the `tokenizers` library.
        pad_id: the padding id of the text tower.
        instructions: of each task, a prefix to its texts (v2).
        default_task: the task that is meant where none is named.
    """

    fast: tokenizers.Tokenizer
    pad_id: int
    instructions: dict[str, str] = field(default_factory=dict)
    default_task: str | None = None

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> Tokenizer:
        """Read `tokenizer.json` of a checkpoint folder, or for v1 its `vocab.txt` (lower-casing WordPiece).

        Raises:
            CheckpointError: neither is there, damaged, or more tokens than the text tower has rows.
        """
        folder = Path(folder)
        config = JinaCLIPConfig.from_folder(folder)
        backbone = config.text_config.backbone
        path = folder / "tokenizer.json"
        try:
            if path.is_file():
                fast = tokenizers.Tokenizer.from_file(str(path))
            elif (folder / "vocab.txt").is_file() and backbone.family == "v1":
                path = folder / "vocab.txt"
                # Not splitlines: some pieces are line separators to Unicode.
                fast = word_piece(path.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
            else:
                fast = None
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(f"no readable tokenizer ({error})", where=str(path)) from error
        if fast is None:
            raise CheckpointError("no tokenizer.json in this folder", where=str(folder))
        rows = max(fast.get_vocab().values(), default=-1) + 1
        if rows > backbone.vocab_size:
            raise CheckpointError(
                f"{rows:,} tokens, but the text tower has {backbone.vocab_size:,}",
                where=str(path),
            )
        return cls(
            fast,
            backbone.pad_token_id,
            getattr(backbone, "task_instructions", {}),
            config.text_config.default_instruction_task,
        )

    def encode(
        self, texts: Sequence[str], *, task: str | None = None, max_tokens: int = MAX_TOKENS
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return `input_ids` and `attention_mask`, int64 [B, T], padded to the longest text.

        Args:
            texts: to embed.
            task: whose instruction to put before every text; the configured default, mostly none, if None.
            max_tokens: T at most, special tokens included.

        Raises:
            ValueError: a task that this checkpoint has no instruction for.
        """
        task = task or self.default_task
        if task is not None and task not in self.instructions:
            raise ValueError(f"no instruction for task {task!r}; known: {sorted(self.instructions)}")
        prefix = "" if task is None else self.instructions[task]
        fast = tokenizers.Tokenizer.from_str(self.fast.to_str()) if max_tokens != MAX_TOKENS else self.fast
        fast.no_padding()
        fast.enable_truncation(max_tokens)
        rows = [coded.ids for coded in fast.encode_batch([prefix + text for text in texts])]
        ids = np.full((len(rows), max(map(len, rows), default=0)), self.pad_id, np.int64)
        mask = np.zeros_like(ids)
        for row, coded in enumerate(rows):
            ids[row, : len(coded)] = coded
            mask[row, : len(coded)] = 1
        return ids, mask


def word_piece(vocabulary: Sequence[str]) -> tokenizers.Tokenizer:
    """Build BERT's uncased WordPiece (Devlin et al. 2018) from the lines of a `vocab.txt`.

    Raises:
        ValueError: one of [UNK], [CLS], [SEP], [PAD] is missing.
    """
    ids = {token: number for number, token in enumerate(vocabulary)}
    missing = [token for token in ("[UNK]", "[CLS]", "[SEP]", "[PAD]") if token not in ids]
    if missing:
        raise ValueError(f"the vocabulary lacks {', '.join(missing)}")
    fast = tokenizers.Tokenizer(tokenizers.models.WordPiece(ids, unk_token="[UNK]"))  # noqa: S106
    fast.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    fast.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    fast.post_processor = tokenizers.processors.BertProcessing(
        ("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"])
    )
    fast.decoder = tokenizers.decoders.WordPiece()
    # As the published tokenizer.json has it: these are whole wherever a text has them, and never lower-cased.
    fast.add_special_tokens(
        [token for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]") if token in ids]
    )
    return fast
