"""A tiny `vision_encoder` that is a real ONNX graph: means over a grid, projected, of unit length."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from visionseek.manifests import EncoderManifest, write_manifest

GRID = 4

_CONFIG = """\
name: "vision_encoder"
backend: "onnxruntime"
max_batch_size: 32
input [ {{ name: "pixels" data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] }} ]
output [ {{ name: "embedding" data_type: TYPE_FP32 dims: [ {dimension} ] }} ]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
dynamic_batching {{ max_queue_delay_microseconds: 2000 }}
version_policy: {{ latest {{ num_versions: 2 }} }}
response_cache {{ enable: true }}
model_warmup [ {{
  name: "one picture" batch_size: 1
  inputs {{ key: "pixels" value: {{ data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] zero_data: true }} }}
}} ]
parameters {{ key: "intra_op_thread_count" value {{ string_value: "1" }} }}
{fingerprints}"""


def projection(dimension: int) -> NDArray[np.float32]:
    """float32 [GRID * GRID * 3, D], the same for ever."""
    return np.random.default_rng(7).standard_normal((GRID * GRID * 3, dimension)).astype(np.float32)


def tiny_embedding(pixels: NDArray[np.uint8], dimension: int = 8) -> NDArray[np.float32]:
    """What the graph gives: uint8 [B, S, S, 3] to float32 [B, D] of unit length."""
    batch, size = pixels.shape[:2]
    cell = size // GRID
    means = pixels.astype(np.float32).reshape(batch, GRID, cell, GRID, cell, 3).mean((2, 4)) / 255 + 0.01
    vectors = means.reshape(batch, -1) @ projection(dimension)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def write_tiny_encoder(
    repository: Path, *, dimension: int = 8, image_size: int = 32, version: int = 1
) -> EncoderManifest:
    """Write `vision_encoder/VERSION/` with graph and manifest, and the model's config.pbtxt.

    Args:
        repository: a model repository.
        dimension: D of `embedding` [B, D].
        image_size: S of `pixels` [B, S, S, 3], a multiple of 4.
        version: number of the version folder.
    """
    cell = image_size // GRID
    constants = [
        numpy_helper.from_array(np.array([0, GRID, cell, GRID, cell, 3], np.int64), "cells"),
        numpy_helper.from_array(np.array([2, 4], np.int64), "axes"),
        numpy_helper.from_array(np.array([0, GRID * GRID * 3], np.int64), "flat"),
        numpy_helper.from_array(np.array(255, np.float32), "white"),
        numpy_helper.from_array(np.array(0.01, np.float32), "offset"),
        numpy_helper.from_array(projection(dimension), "projection"),
    ]
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["floats", "cells"], ["grid"]),
        helper.make_node("ReduceMean", ["grid", "axes"], ["means"], keepdims=0),
        helper.make_node("Reshape", ["means", "flat"], ["features"]),
        helper.make_node("Div", ["features", "white"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["moved"]),
        helper.make_node("MatMul", ["moved", "projection"], ["vectors"]),
        helper.make_node("LpNormalization", ["vectors"], ["embedding"], axis=1, p=2),
    ]
    sizes = ["batch", image_size, image_size, 3]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, sizes)],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", dimension])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    folder = repository / "vision_encoder" / str(version)
    folder.mkdir(parents=True)
    content = model.SerializeToString()
    onnx.checker.check_model(model)
    (folder / "model.onnx").write_bytes(content)
    manifest = EncoderManifest(
        fingerprint=hashlib.sha256(content).hexdigest(),
        dimension=dimension,
        image_size=image_size,
        pixel_rule="shortest-crop",
        pixel_version=1,
        base="none: made for tests",
        adapter=None,
        licence="Apache-2.0",
        parity={},
    )
    write_manifest(manifest, folder)
    _write_config(folder.parent, image_size, dimension)
    return manifest


def _write_config(model: Path, image_size: int, dimension: int) -> None:
    lines = []
    for folder in sorted(model.glob("[1-9]*"), key=lambda path: int(path.name)):
        digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
        lines.append(
            f'parameters {{ key: "fingerprint.{folder.name}" value {{ string_value: "{digest}" }} }}\n'
        )
    text = _CONFIG.format(size=image_size, dimension=dimension, fingerprints="".join(lines))
    (model / "config.pbtxt").write_text(text)
