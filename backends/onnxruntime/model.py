"""What Triton runs for `backend: "onnxruntime"` where its C++ backend of that name is not installed."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Triton knows this file as a module by itself; this makes the folders around it the package `backends`.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import triton_python_backend_utils as pb_utils
from numpy.typing import NDArray

from backends.onnxruntime.batch import BadRequest, run_batch
from backends.onnxruntime.session import open_session
from backends.tensors import Outgoing, incoming


class TritonPythonModel:
    """One instance of a graph."""

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version's graph; an exception makes the load fail with its message."""
        config = json.loads(args["model_config"])
        if config.get("response_cache", {}).get("enable"):
            pb_utils.Logger.log_warn(
                f"{args['model_name']}: response_cache is on; Triton keeps errors in it too and answers the"
                " same request again with success and no output, until the entry is evicted"
            )
        folder = Path(args["model_repository"]) / args["model_version"]
        self._session = open_session(
            folder / (config.get("default_model_filename") or "model.onnx"),
            config,
            device=int(args["model_instance_device_id"]) if args["model_instance_kind"] == "GPU" else None,
            warn=lambda line: pb_utils.Logger.log_warn(f"{args['model_name']}: {line}"),
        )
        self._batching = int(config["max_batch_size"]) > 0
        self._inputs = {node.name: node.shape for node in self._session.get_inputs()}
        self._outputs = [entry["name"] for entry in config["output"]]

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer a batch with one run of the graph; a wrong request gets an error of its own."""
        asked = [
            {name: incoming(pb_utils.get_input_tensor_by_name(request, name)) for name in self._inputs}
            for request in requests
        ]
        answers = run_batch(self._run, asked, self._inputs, batching=self._batching)
        return [self._response(request, one) for request, one in zip(requests, answers, strict=True)]

    def _run(self, inputs: dict[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        return dict(zip(self._outputs, self._session.run(self._outputs, inputs), strict=True))

    @staticmethod
    def _response(request: Any, one: Mapping[str, NDArray[Any]] | BadRequest) -> Any:
        if isinstance(one, BadRequest):
            error = pb_utils.TritonError(str(one), pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)
        wanted = request.requested_output_names()
        return pb_utils.InferenceResponse(
            [pb_utils.Tensor.from_dlpack(name, Outgoing(one[name])) for name in one if name in wanted]
        )
