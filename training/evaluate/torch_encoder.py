"""A PyTorch checkpoint as an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from training.adapters import AdapterManifest, merge, read_adapter
from training.embedding import Normaliser, embed
from training.evaluate.encoder import Pixels, Vectors, unit
from training.jina_clip import JinaCLIP, Preprocessor, Tokenizer
from training.jina_clip.folder import resolve
from training.trained_on import TrainedOn, read_trained_on
from visionseek.errors import CheckpointError, InputError
from visionseek.manifests import read_manifest
from visionseek.pixels import Rule

_TEXTS_EACH = 64


class TorchEncoder:
    """A Jina CLIP checkpoint, in bfloat16 where the CPU has it.

    Args:
        checkpoint: a folder in the published format, or an id on the model hub.
        adapter: a LoRA adapter that was tuned on it, merged in.

    Raises:
        CheckpointError: a file is missing or damaged, or the two do not belong together.
        Unavailable: a hub that cannot be reached.
    """

    def __init__(self, checkpoint: str, *, adapter: Path | None = None) -> None:
        folder = resolve(checkpoint)
        self._clip = JinaCLIP.from_pretrained(folder, dtype=torch.float32)
        processor = Preprocessor.from_pretrained(folder)
        self._tower: torch.nn.Module = self._clip.vision_model
        self.name = checkpoint
        self.size: int | None = processor.size
        self.rule: Rule = processor.rule
        self.trained_on: TrainedOn | None = read_trained_on(folder)
        if adapter is not None:
            read_adapter(adapter, folder)
            self._tower = merge(self._tower, adapter)
            self.name = f"{checkpoint} + {adapter}"
            self.rule = (
                "pad" if read_manifest(AdapterManifest, adapter).pixel_rule == "pad" else "shortest-crop"
            )
            seen = read_trained_on(adapter)
            self.trained_on = seen.joined(self.trained_on) if seen else self.trained_on
        self._normaliser = Normaliser(processor.mean, processor.std)
        self._tokenizer: Tokenizer | None = None
        try:
            self._tokenizer = Tokenizer.from_pretrained(folder)
        except CheckpointError as error:
            self._no_text = error
        self.reads_text = self._tokenizer is not None

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """[N, S, S, 3] -> [N, D]."""
        vectors = embed(self._tower, np.stack(pictures), self._normaliser)
        return unit(vectors, len(pictures), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """N texts -> [N, D]."""
        if self._tokenizer is None:
            raise InputError(f"no text can be embedded: {self._no_text}", where=self.name)
        rows = []
        for start in range(0, len(texts), _TEXTS_EACH):
            ids, mask = self._tokenizer.encode(texts[start : start + _TEXTS_EACH])
            with torch.inference_mode():
                rows.append(
                    self._clip.encode_text(torch.from_numpy(ids), torch.from_numpy(mask)).float().numpy()
                )
        return unit(np.concatenate(rows), len(texts), where=self.name)
