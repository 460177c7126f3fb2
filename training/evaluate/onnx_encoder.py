"""An exported encoder, an ONNX file, in ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluate.encoder import Pixels, Vectors, unit
from training.trained_on import TrainedOn, read_trained_on
from visionseek.errors import CheckpointError, InputError, ManifestError
from visionseek.manifests import EncoderManifest, read_manifest
from visionseek.pixels import Rule

_BATCH = 32
_MAX_TOKENS = 512


class OnnxEncoder:
    """A vision graph with uint8 pixels in, and where there is one a text graph beside it.

    Args:
        vision: `model.onnx`, or its folder; `manifest.json` beside it gives size and pixel rule.
        text: the text tower's `model.onnx`, or its folder, with `tokenizer.json` beside it; None for none.

    Raises:
        CheckpointError: a file is missing, no ONNX graph, or takes something else.
        ManifestError: no readable manifest, or one of a text encoder.
    """

    def __init__(self, vision: Path, text: Path | None = None) -> None:
        path = vision / "model.onnx" if vision.is_dir() else vision
        self.name = f"onnx:{path}"
        self._vision = _session(path)
        manifest = read_manifest(EncoderManifest, path.parent)
        if manifest.image_size is None:
            raise ManifestError("this is a text encoder: it has no image size", where=str(path.parent))
        (self._input, kind, shape), *others = [(i.name, i.type, i.shape) for i in self._vision.get_inputs()]
        if others or kind != "tensor(uint8)" or len(shape) != 4:
            raise CheckpointError(f"takes {kind} {shape}, not uint8 pixels [B, S, S, 3]", where=str(path))
        self.size: int | None = manifest.image_size
        self.rule: Rule = "pad" if manifest.pixel_rule == "pad" else "shortest-crop"
        self.trained_on: TrainedOn | None = read_trained_on(path.parent)
        self._text: _OnnxText | None = None
        if text is not None:
            self._text = _OnnxText(text / "model.onnx" if text.is_dir() else text)
            self.name += f",{text}"
        self.reads_text = self._text is not None

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """[N, S, S, 3] -> [N, D]."""
        rows = [
            _run(self._vision, {self._input: np.stack(pictures[start : start + _BATCH])}, self.name)
            for start in range(0, len(pictures), _BATCH)
        ]
        return unit(np.concatenate(rows), len(pictures), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """N texts -> [N, D]."""
        if self._text is None:
            raise InputError("no text graph was named", where=self.name, mend="onnx:VISION,TEXT")
        rows = [self._text.run(texts[start : start + _BATCH]) for start in range(0, len(texts), _BATCH)]
        return unit(np.concatenate(rows), len(texts), where=self.name)


class _OnnxText:
    def __init__(self, path: Path) -> None:
        import tokenizers  # noqa: PLC0415 -- only where there is text

        self._where = str(path)
        self._session = _session(path)
        inputs = {one.name for one in self._session.get_inputs()}
        if not inputs <= {"input_ids", "attention_mask"} or "input_ids" not in inputs:
            raise CheckpointError(
                f"takes {sorted(inputs)}, not input_ids and attention_mask", where=str(path)
            )
        self._masked = "attention_mask" in inputs
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path.parent / "tokenizer.json"))
        except Exception as error:  # the library raises bare Exception
            raise CheckpointError(
                f"no readable tokenizer.json beside it ({error})", where=str(path.parent)
            ) from error
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        paddings = (self._tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>"))
        padding = next((number for number in paddings if number is not None), 0)
        self._tokenizer.enable_padding(pad_id=padding)

    def run(self, texts: Sequence[str]) -> np.ndarray[Any, Any]:
        coded = self._tokenizer.encode_batch(list(texts))
        given = {"input_ids": np.array([one.ids for one in coded], np.int64)}
        if self._masked:
            given["attention_mask"] = np.array([one.attention_mask for one in coded], np.int64)
        return _run(self._session, given, self._where)


def _session(path: Path) -> Any:
    import onnxruntime  # noqa: PLC0415 -- an extra

    if not path.is_file():
        raise CheckpointError("there is no ONNX file here", where=str(path), mend="visionseek export")
    try:
        return onnxruntime.InferenceSession(str(path), providers=onnxruntime.get_available_providers())
    except Exception as error:  # the library has a class of its own for every kind of bad file
        raise CheckpointError(f"no readable ONNX graph ({_short(error)})", where=str(path)) from error


def _run(session: Any, given: dict[str, Any], where: str) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(session.run(None, given)[0])
    except Exception as error:
        raise CheckpointError(f"the graph failed ({_short(error)})", where=where) from error


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
