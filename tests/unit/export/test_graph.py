from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from export.graph import VisionGraph
from export.onnx_file import write_onnx
from export.parity import Parity, measure_parity, require_parity
from visionseek.errors import ArtifactError

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


def small_graph(dimension: int | None = None) -> VisionGraph:
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Conv2d(3, 16, 8, stride=8), nn.GELU(), nn.Flatten(), nn.Linear(16 * 16, 24))
    return VisionGraph(tower, mean=MEAN, std=STD, dimension=dimension).eval()


def random_pixels(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_the_graph_normalises_as_published_and_gives_unit_vectors() -> None:
    seen: list[torch.Tensor] = []

    def tower(x: torch.Tensor) -> torch.Tensor:
        seen.append(x)
        return x.flatten(1)[:, :7]

    pixels = random_pixels(3)
    out = VisionGraph(tower, mean=MEAN, std=STD)(torch.from_numpy(pixels))
    expected = (pixels.astype(np.float32) / 255 - np.array(MEAN)) / np.array(STD)
    np.testing.assert_allclose(seen[0].permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(out.norm(dim=-1).numpy(), 1, atol=1e-6)


def test_a_dimension_is_sliced_before_the_norm() -> None:
    pixels = torch.from_numpy(random_pixels(2))
    whole, part = small_graph()(pixels), small_graph(8)(pixels)
    expected = whole[:, :8] / whole[:, :8].norm(dim=-1, keepdim=True)
    torch.testing.assert_close(part, expected)


@pytest.mark.parametrize("half", [False, True])
def test_onnx_agrees_with_pytorch_for_any_batch_size(tmp_path: Path, half: bool) -> None:
    graph = small_graph()
    path = tmp_path / "model.onnx"
    write_onnx(graph, 32, path, half_weights=half)
    for count in (1, 5):
        parity = measure_parity(graph, path, random_pixels(count), batch_size=count)
        assert parity.least > (0.9999 if half else 0.999999)
    require_parity(parity)


def test_half_weights_halve_the_file_and_leave_no_trace_of_the_exporting_machine(tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    write_onnx(small_graph(), 32, whole)
    write_onnx(small_graph(), 32, half, half_weights=True)
    assert half.stat().st_size < 0.7 * whole.stat().st_size
    assert b".py" not in half.read_bytes()
    names = [value.name for value in onnx.load(half).graph.input]
    assert names == ["pixels"]


def test_another_models_graph_does_not_pass_the_gate(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    write_onnx(small_graph(), 32, path)
    torch.manual_seed(9)
    other = small_graph()
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    parity = measure_parity(other, path, random_pixels(8))
    with pytest.raises(ArtifactError, match="nothing was published"):
        require_parity(parity)


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    graph = small_graph()
    write_onnx(graph, 32, path)
    with torch.no_grad():
        next(graph.parameters()).fill_(float("nan"))
    with pytest.raises(ArtifactError, match="not finite"):
        measure_parity(graph, path, random_pixels(2))


def test_the_gate_names_its_bound() -> None:
    with pytest.raises(ArtifactError, match=r"0\.999800.*0\.9999"):
        require_parity(Parity(0.9998, 0.9999, 64))
