"""A running Triton as an encoder, over gRPC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from training.evaluate.encoder import Pixels, Vectors, unit
from training.trained_on import TrainedOn
from visionseek.errors import InputError, ModelNotServed, Unavailable
from visionseek.pixels import Rule

MODEL = "vision_encoder"
_DEADLINE_S = 60.0
_ATTEMPT_S = 5.0


class TritonEncoder:
    """`vision_encoder` of a running Triton: its newest version, its size from its configuration.

    Triton does not say how pictures become squares; nor does it know what its model was trained on.

    Args:
        address: host:port of its gRPC.
        model: the model's name.
        rule: the pixel rule of its manifest.

    Raises:
        Unavailable: nothing answers there.
        ModelNotServed: it serves no such model.
        InputError: the model takes no pixels.
    """

    reads_text = False

    def __init__(self, address: str, *, model: str = MODEL, rule: Rule = "pad") -> None:
        self.name = f"triton:{address}/{model}"
        self.rule: Rule = rule
        self.trained_on: TrainedOn | None = None
        self._model = model
        self._client = InferenceServerClient(address)
        config = self._called(self._client.get_model_config, model, as_json=True, client_timeout=_ATTEMPT_S)
        config = config.get("config", config)
        inputs = config.get("input") or []
        dims = [int(size) for size in inputs[0].get("dims", [])] if len(inputs) == 1 else []
        if len(dims) != 3 or dims[0] != dims[1] or dims[2] != 3 or inputs[0].get("data_type") != "TYPE_UINT8":
            raise InputError(f"the model takes {inputs}, not uint8 pixels [S, S, 3]", where=self.name)
        self._input, self._output = str(inputs[0]["name"]), str(config["output"][0]["name"])
        self._batch = max(1, min(32, int(config.get("max_batch_size", 1))))
        self.size: int | None = dims[0]

    def encode_images(self, pictures: Sequence[Pixels]) -> Vectors:
        """[N, S, S, 3] -> [N, D]."""
        rows = []
        for start in range(0, len(pictures), self._batch):
            pixels = np.stack(pictures[start : start + self._batch])
            tensor = InferInput(self._input, list(pixels.shape), "UINT8")
            tensor.set_data_from_numpy(pixels)
            outputs = [InferRequestedOutput(self._output)]
            answer = self._called(
                self._client.infer, self._model, [tensor], outputs=outputs, client_timeout=_DEADLINE_S
            )
            rows.append(np.asarray(answer.as_numpy(self._output)))
        return unit(np.concatenate(rows), len(pictures), where=self.name)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Refused: texts need the tokenizer, which Triton does not hand out."""
        raise InputError(f"Triton takes no raw text, such as {texts[0]!r}", where=self.name)

    def _called(self, call: Any, *arguments: Any, **options: Any) -> Any:
        try:
            return call(*arguments, **options)
        except InferenceServerException as error:
            text = " ".join(str(error.message()).split())[:300]
            status = str(error.status() or "")
            if "NOT_FOUND" in status or "not ready" in text or "no available versions" in text:
                raise ModelNotServed(f"Triton does not serve it ({text})", where=self.name) from error
            raise Unavailable(
                f"Triton does not answer ({text})", where=self.name, mend="visionseek up; visionseek status"
            ) from error
