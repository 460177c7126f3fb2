"""What Triton runs for `backend: "faiss"`; the work is in the modules beside it.

Input `query` FP32 [B, D]. Request parameters `k`, `filter`, `facets` (see ask.py and columns.py). Outputs
`scores` FP32 [B, k], `image_ids` INT64 [B, k], `extra` UINT8 [B, L]. Parameters of config.pbtxt, optional:
`threads`, `exact_rows`, `oversample`.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Triton knows this file as a module by itself; this makes the folders around it the package `backends`.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import faiss
import triton_python_backend_utils as pb_utils

from backends.faiss.answer import Answer, answer
from backends.faiss.errors import BadRequest
from backends.faiss.index import can_use_gpu
from backends.faiss.shard import Shard
from backends.tensors import Outgoing, incoming


class TritonPythonModel:
    """One instance of a shard."""

    def initialize(self, args: dict[str, str]) -> None:
        """Check and load the version folder; an exception makes the load fail with its message."""
        config = json.loads(args["model_config"])
        if config.get("response_cache", {}).get("enable"):
            raise ValueError(
                "response_cache must be off for backend faiss: Triton's cache ignores request parameters and"
                " would give one filter's answer to another"
            )
        options = {
            name: int(value["string_value"])
            for name, value in config["parameters"].items()
            if name in _OPTIONS
        }
        if threads := options.pop("threads", None):
            faiss.omp_set_num_threads(threads)
        device = int(args["model_instance_device_id"]) if args["model_instance_kind"] == "GPU" else None
        if device is not None and not can_use_gpu():
            pb_utils.Logger.log_warn(f"{args['model_name']}: this FAISS has no GPU; it runs on the CPU")
        folder = Path(args["model_repository"]) / args["model_version"]
        self._shard = Shard(folder, device=device, **options)

    def execute(self, requests: Sequence[Any]) -> list[Any]:
        """Answer a batch; a wrong request, or one that meets a fault, gets an error of its own."""
        asked = [
            (incoming(pb_utils.get_input_tensor_by_name(request, "query")), request.parameters())
            for request in requests
        ]
        return [
            self._response(request, one)
            for request, one in zip(requests, answer(self._shard, asked), strict=True)
        ]

    @staticmethod
    def _response(request: Any, one: Answer | Exception) -> Any:
        if isinstance(one, BadRequest):
            error = pb_utils.TritonError(str(one), pb_utils.TritonError.INVALID_ARG)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)
        if isinstance(one, Exception):
            pb_utils.Logger.log_error("".join(traceback.format_exception(one)))
            error = pb_utils.TritonError(f"fault of the shard: {one!r:.500}", pb_utils.TritonError.INTERNAL)
            return pb_utils.InferenceResponse(output_tensors=[], error=error)
        return pb_utils.InferenceResponse(
            [
                pb_utils.Tensor.from_dlpack(name, Outgoing(getattr(one, name)))
                for name in ("scores", "image_ids", "extra")
                if name in request.requested_output_names()
            ]
        )


_OPTIONS = ("threads", "exact_rows", "oversample")
