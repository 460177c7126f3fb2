"""Write a PyTorch graph as ONNX, optionally with its weights stored in half precision."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from visionseek.errors import ArtifactError

OPSET = 18
# Below this many elements halving saves nothing worth an extra node.
_SMALLEST_HALVED = 1024


def write_onnx(graph: nn.Module, image_size: int, path: Path, *, half_weights: bool = False) -> None:
    """Export `graph` (uint8 `pixels` [B, S, S, 3] -> float32 `embedding` [B, D]) with a free batch axis.

    Args:
        graph: in evaluation mode, float32.
        image_size: S; height and width are constants of the graph.
        path: the file to write.
        half_weights: store large weights as float16 with a cast beside them: half the file, still computed
            in float32 (ONNX Runtime folds the casts when it loads the model).

    Raises:
        ArtifactError: the graph does not take any number of pictures at once.
    """
    example = torch.zeros((2, image_size, image_size, 3), dtype=torch.uint8)
    # The exporter warns of its own internals, and that torchvision (not needed) is absent.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            dynamo=True,
            opset_version=OPSET,
            input_names=["pixels"],
            output_names=["embedding"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("batch", min=1, max=4096)}},
            verbose=False,
        )
    assert program is not None
    model: Any = program.model_proto
    _require_free_batch(model)
    _drop_traces(model)
    if half_weights:
        _halve_weights(model)
    onnx.checker.check_model(model)
    onnx.save_model(model, str(path))


def _require_free_batch(model: Any) -> None:
    """The exporter turns a batch axis that Python code looked at (`len(x)`) into a constant without a word."""
    axis = model.graph.input[0].type.tensor_type.shape.dim[0]
    if not axis.dim_param:
        raise ArtifactError(
            f"the batch axis of the graph is fixed at {axis.dim_value}",
            mend="use x.shape[0] instead of len(x) in the tower's forward pass",
        )


def _drop_traces(model: Any) -> None:
    """Remove the exporter's debugging notes: they carry source paths of this machine."""
    for holder in (model, model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        if hasattr(holder, "metadata_props"):
            del holder.metadata_props[:]
        if hasattr(holder, "doc_string"):
            holder.doc_string = ""
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output):
        del value.metadata_props[:]


def _halve_weights(model: Any) -> None:
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < _SMALLEST_HALVED:
            continue
        name = tensor.name
        half = numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(half).all():
            continue  # outside float16's range: this one stays as it is
        tensor.CopyFrom(numpy_helper.from_array(half, name=f"{name}_half"))
        casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*casts, *nodes])
