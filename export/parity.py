"""The parity gate: an exported graph must give PyTorch's embeddings, or nothing is published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import nn

from visionseek.errors import ArtifactError

LEAST_COSINE = 0.9999
PICTURES = 64


@dataclass(frozen=True, slots=True)
class Parity:
    """Cosine of ONNX Runtime's to PyTorch's embedding, over `pictures` pictures."""

    least: float
    mean: float
    pictures: int


def measure_parity(
    graph: nn.Module, onnx_path: Path, pixels: npt.NDArray[np.uint8], *, batch_size: int = 8
) -> Parity:
    """Compare the two on `pixels` [N, S, S, 3].

    Raises:
        ArtifactError: either side gave a value that is not finite, or not of unit length.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, torch.get_num_threads())
    session = onnxruntime.InferenceSession(str(onnx_path), options, providers=["CPUExecutionProvider"])
    cosines = []
    for start in range(0, len(pixels), batch_size):
        batch = pixels[start : start + batch_size]
        with torch.inference_mode():
            expected = graph(torch.from_numpy(batch)).numpy()
        (actual,) = session.run(["embedding"], {"pixels": batch})
        for name, rows in (("PyTorch", expected), ("ONNX Runtime", actual)):
            if not np.isfinite(rows).all() or np.abs(np.linalg.norm(rows, axis=1) - 1).max() > 1e-3:
                raise ArtifactError(f"{name} gave embeddings that are not finite and of unit length")
        cosines.append((expected * actual).sum(1))
    every = np.concatenate(cosines)
    return Parity(least=float(every.min()), mean=float(every.mean()), pictures=len(every))


def require_parity(parity: Parity, least: float = LEAST_COSINE) -> None:
    """Refuse an export whose worst picture is below the bound.

    Raises:
        ArtifactError: naming the figure and the bound.
    """
    if parity.least < least:
        raise ArtifactError(
            f"the exported graph is not the model: least cosine {parity.least:.6f} over {parity.pictures} "
            f"pictures, at least {least} is needed; nothing was published",
            mend="export with --weights fp32, or look for an operator that the exporter changed",
        )
