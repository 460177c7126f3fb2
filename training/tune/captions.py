"""What is said of each product, embedded once by the frozen text tower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tokenizers
import torch
from torch import Tensor

from training.jina_clip import JinaCLIP, Tokenizer
from training.jina_clip.tokenizing import MAX_TOKENS
from training.precision import mixed_precision

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Captions:
    """Embedded captions.

    Attributes:
        embeddings: float32 [C, D] of unit length, each different caption once.
        first: int64 [P], the row of each product's first caption; -1 where it has none.
        of_product: P tuples, the rows of all its captions.
    """

    embeddings: Tensor
    first: Tensor
    of_product: tuple[tuple[int, ...], ...]

    def draw(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """For each of the products [B] one caption's row, the same for rows of one product; -1 where none."""
        chosen = self.first.clone()
        for product in sorted(set(labels.tolist())):
            if rows := self.of_product[product]:
                chosen[product] = rows[int(torch.randint(len(rows), (1,), generator=generator))]
        return chosen[labels]


def embed_captions(
    clip: JinaCLIP,
    checkpoint: Path,
    captions: Sequence[Sequence[str]],
    *,
    say: Callable[[str], None] = lambda _line: None,
    on_caption: Callable[[int], None] = lambda _count: None,
) -> Captions | None:
    """Embed captions, or say why not and return None: without a tokenizer or a caption there is no text.

    Args:
        clip: with its text tower.
        checkpoint: its folder, which has the tokenizer.
        captions: of products 0..P-1, what is said of each.
        say: gets a line for a person to read.
        on_caption: gets the number of captions just embedded.

    Raises:
        CheckpointError: there is a tokenizer, but it cannot be used.
    """
    if not any((checkpoint / name).is_file() for name in ("tokenizer.json", "vocab.txt")):
        say("text is left out: the checkpoint has no tokenizer")
        return None
    texts = list(dict.fromkeys(text for said in captions for text in said if text.strip()))
    if not texts:
        say("text is left out: no product has a caption")
        return None
    tokenizer = Tokenizer.from_pretrained(checkpoint)
    longer = _longer(tokenizer, texts)
    if longer:
        say(f"{longer} of {len(texts)} captions are longer than {MAX_TOKENS} tokens and are cut there")
    rows = []
    device = clip.logit_scale.device
    for start in range(0, len(texts), _BATCH):
        ids, mask = tokenizer.encode(texts[start : start + _BATCH])
        with torch.no_grad(), mixed_precision(device):
            rows.append(
                clip.encode_text(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device)).cpu()
            )
        on_caption(len(ids))
    number = {text: row for row, text in enumerate(texts)}
    of_product = tuple(
        tuple(number[text] for text in dict.fromkeys(said) if text in number) for said in captions
    )
    first = torch.tensor([mine[0] if mine else -1 for mine in of_product])
    return Captions(torch.cat(rows).float(), first, of_product)


def _longer(tokenizer: Tokenizer, texts: Sequence[str]) -> int:
    fast = tokenizers.Tokenizer.from_str(tokenizer.fast.to_str())
    fast.no_truncation()
    fast.no_padding()
    return sum(len(coded.ids) > MAX_TOKENS for coded in fast.encode_batch(list(texts)))
