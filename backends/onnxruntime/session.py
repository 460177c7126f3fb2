"""An ONNX Runtime session as a config.pbtxt describes it, in the words of Triton's C++ backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime

_THREADS = ("intra_op_thread_count", "inter_op_thread_count")


def open_session(
    path: Path, config: Mapping[str, Any], *, device: int | None, warn: Callable[[str], None]
) -> Any:
    """Load a graph.

    Args:
        path: the ONNX file.
        config: the model's config as JSON; `parameters` (thread counts) and the CPU execution accelerator
            `openvino` are followed.
        device: number of the GPU, or None for the CPU.
        warn: called when the config asks for an engine that this ONNX Runtime lacks.

    Raises:
        ValueError: the config and the graph do not agree, or a parameter is no number.
        Exception: ONNX Runtime's own, when it cannot load the graph.
    """
    options = onnxruntime.SessionOptions()
    for key, value in config.get("parameters", {}).items():
        if key in _THREADS:
            setattr(options, key.removesuffix("_thread_count") + "_num_threads", int(value["string_value"]))
    # Threads that spin while they wait take the cores from the shards and the API beside them: on two busy cores
    # a picture took 70 ms of CPU time with spinning and 40 ms without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(
        str(path), options, providers=_providers(config, device=device, warn=warn)
    )
    for kind, found in (("input", session.get_inputs()), ("output", session.get_outputs())):
        graph, said = {node.name for node in found}, {entry["name"] for entry in config[kind]}
        if not (said <= graph if kind == "output" else said == graph):
            raise ValueError(f"config.pbtxt has {kind}s {sorted(said)}, the graph has {sorted(graph)}")
    return session


def _providers(
    config: Mapping[str, Any], *, device: int | None, warn: Callable[[str], None]
) -> list[str | tuple[str, dict[str, Any]]]:
    there = onnxruntime.get_available_providers()
    providers: list[str | tuple[str, dict[str, Any]]] = []
    accelerators = config.get("optimization", {}).get("execution_accelerators", {})
    wished = [entry["name"] for entry in accelerators.get("cpu_execution_accelerator", [])]
    if device is not None:
        if "CUDAExecutionProvider" in there:
            providers.append(("CUDAExecutionProvider", {"device_id": device}))
        else:
            warn("this ONNX Runtime has no CUDA; the model runs on the CPU")
    elif "openvino" in wished:
        if "OpenVINOExecutionProvider" in there:
            providers.append(("OpenVINOExecutionProvider", {"device_type": "CPU"}))
        else:
            warn("this ONNX Runtime has no OpenVINO; the model runs without that accelerator")
    return [*providers, "CPUExecutionProvider"]
