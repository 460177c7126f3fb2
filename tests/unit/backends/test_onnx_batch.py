from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from backends.onnxruntime.batch import BadRequest, run_batch
from backends.onnxruntime.session import open_session
from backends.tensors import Outgoing
from tests.integration.support.encoder import tiny_embedding, write_tiny_encoder

SHAPES: dict[str, list[int | str | None]] = {"x": ["batch", None]}


class Graph:
    """Doubles its input; refuses a 13, as a real graph refuses a token id outside its vocabulary."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.runs.append(len(inputs["x"]))
        if (inputs["x"] == 13).any():
            raise RuntimeError("13 is out of bounds")
        return {"y": inputs["x"] * 2}


def rows(count: int, value: float = 1, width: int = 2) -> dict[str, NDArray[Any]]:
    return {"x": np.full((count, width), value, np.float32)}


def test_requests_run_together_and_get_their_own_rows_back() -> None:
    graph = Graph()
    answers = run_batch(graph, [rows(1, 1), rows(3, 2), rows(2, 3)], SHAPES, batching=True)
    assert graph.runs == [6]
    assert [one["y"].tolist() for one in answers if not isinstance(one, BadRequest)] == [
        [[2, 2]],
        [[4, 4]] * 3,
        [[6, 6]] * 2,
    ]


def test_unlike_shapes_run_apart_and_in_order() -> None:
    graph = Graph()
    answers = run_batch(graph, [rows(1), rows(1, width=3), rows(1)], SHAPES, batching=True)
    assert graph.runs == [2, 1]
    assert [one["y"].shape for one in answers if not isinstance(one, BadRequest)] == [(1, 2), (1, 3), (1, 2)]


def test_one_that_the_graph_refuses_fails_alone() -> None:
    answers = run_batch(Graph(), [rows(1), rows(1, 13), rows(2)], SHAPES, batching=True)
    assert [type(one) for one in answers] == [dict, BadRequest, dict]
    assert "out of bounds" in str(answers[1])


def test_one_of_a_wrong_shape_fails_without_a_run() -> None:
    graph = Graph()
    fixed: dict[str, list[int | str | None]] = {"x": ["batch", 2]}
    answers = run_batch(graph, [rows(1, width=3), rows(1)], fixed, batching=True)
    assert str(answers[0]) == "x has shape [1, 3], the model takes [?, 2]"
    assert graph.runs == [1]


def test_without_a_batch_axis_every_request_runs_alone() -> None:
    graph = Graph()
    run_batch(graph, [rows(1), rows(1)], SHAPES, batching=False)
    assert graph.runs == [1, 1]


CONFIG: dict[str, Any] = {"input": [{"name": "pixels"}], "output": [{"name": "embedding"}], "parameters": {}}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repository = tmp_path_factory.mktemp("repository")
    write_tiny_encoder(repository)
    return repository / "vision_encoder" / "1" / "model.onnx"


def test_a_session_follows_the_thread_count_and_warns_of_engines_it_lacks(graph: Path) -> None:
    warnings: list[str] = []
    config = CONFIG | {
        "parameters": {
            "intra_op_thread_count": {"string_value": "1"},
            "fingerprint.1": {"string_value": "f"},
        },
        "optimization": {
            "execution_accelerators": {"cpu_execution_accelerator": [{"name": "openvino"}]},
        },
    }
    session = open_session(graph, config, device=None, warn=warnings.append)
    assert session.get_session_options().intra_op_num_threads == 1
    if "OpenVINOExecutionProvider" not in onnxruntime.get_available_providers():
        assert warnings == ["this ONNX Runtime has no OpenVINO; the model runs without that accelerator"]
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), np.uint8)
    (embedding,) = session.run(["embedding"], {"pixels": pixels})
    np.testing.assert_allclose(embedding, tiny_embedding(pixels), atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        CONFIG | {"input": [{"name": "image"}]},
        CONFIG | {"output": [{"name": "embedding"}, {"name": "tokens"}]},
        CONFIG | {"parameters": {"intra_op_thread_count": {"string_value": "many"}}},
    ],
)
def test_a_config_that_disagrees_with_its_graph_is_refused(graph: Path, config: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"config\.pbtxt has|invalid literal"):
        open_session(graph, config, device=None, warn=lambda _: None)


def test_outgoing_arrays_are_contiguous_writable_and_shared_once() -> None:
    frozen = np.arange(6, dtype=np.int64).reshape(2, 3)
    frozen.flags.writeable = False
    for array in (frozen, np.asfortranarray(np.ones((3, 2), np.float32)), np.ones((2, 4), np.uint8)[:, ::2]):
        back = np.from_dlpack(Outgoing(array))
        np.testing.assert_array_equal(back, array)
        assert back.flags.c_contiguous
