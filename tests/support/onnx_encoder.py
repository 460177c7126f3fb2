"""The encoder of `search.fake` as an ONNX graph, so that both servers give the same vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


def write_onnx(path: Path, matrix: NDArray[np.float32], size: int) -> None:
    """pixels uint8 [B, S, S, 3] -> embedding float32 [B, D] of unit length."""
    cell, features = size // 8, matrix.shape[0] - 1
    constants = {
        "grid": np.array([-1, 8, cell, 8, cell, 3], np.int64),
        "axes": np.array([2, 4], np.int64),
        "scale": np.array(255.0, np.float32),
        "half": np.array(0.5, np.float32),
        "flat": np.array([-1, features], np.int64),
        "weights": matrix[:-1],
        "bias": 0.1 * matrix[-1],
        "last": np.array([-1], np.int64),
    }
    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "grid"], ["cells"]),
        helper.make_node("ReduceMean", ["cells", "axes"], ["means"], keepdims=0),
        helper.make_node("Div", ["means", "scale"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "half"], ["centred"]),
        helper.make_node("Reshape", ["centred", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "weights"], ["projected"]),
        helper.make_node("Add", ["projected", "bias"], ["vectors"]),
        helper.make_node("ReduceL2", ["vectors", "last"], ["lengths"], keepdims=1),
        helper.make_node("Div", ["vectors", "lengths"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["B", size, size, 3])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["B", matrix.shape[1]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
