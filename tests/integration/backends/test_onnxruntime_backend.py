from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from stack.triton_control import load_model
from tests.integration.conftest import RunningTriton
from tests.integration.support.encoder import tiny_embedding
from visionseek.errors import StackError

MODEL = "vision_encoder"


@pytest.fixture(scope="module")
def client(triton: RunningTriton) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(triton.address.grpc) as client:
        yield client


def pictures(count: int, size: int = 32) -> NDArray[np.uint8]:
    return np.random.default_rng(size).integers(0, 256, (count, size, size, 3), np.uint8)


def add_model(triton: RunningTriton, name: str, old: str, new: str) -> Path:
    """A copy of the encoder under another name, with `old` replaced by `new` in its config."""
    model = triton.repository / name
    (model / "1").mkdir(parents=True)
    config = (triton.repository / MODEL / "config.pbtxt").read_text().replace(MODEL, name)
    # No warm-up, whose sizes are fixed, and no cache: Triton's replays an error as an answer without outputs.
    start, end = config.index("response_cache"), config.index("parameters")
    (model / "config.pbtxt").write_text((config[:start] + config[end:]).replace(old, new))
    (model / "1" / "model.onnx").write_bytes((triton.repository / MODEL / "1" / "model.onnx").read_bytes())
    return model


def embed(client: InferenceServerClient, pixels: NDArray[np.uint8], model: str = MODEL) -> NDArray[Any]:
    tensor = InferInput("pixels", list(pixels.shape), "UINT8")
    tensor.set_data_from_numpy(pixels)
    embedding: NDArray[Any] = client.infer(model, [tensor], client_timeout=60).as_numpy("embedding")
    return embedding


def counted(triton: RunningTriton, metric: str) -> float:
    text = httpx.get(triton.address.metrics, trust_env=False).text
    lines = [line for line in text.splitlines() if line.startswith(f'{metric}{{model="{MODEL}"')]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_it_gives_what_the_graph_says_of_unit_length(client: InferenceServerClient) -> None:
    pixels = pictures(32)
    embedding = embed(client, pixels)
    np.testing.assert_allclose(embedding, tiny_embedding(pixels), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1, atol=1e-5)


def test_requests_of_unlike_batches_share_runs_and_each_gets_its_own(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    before = counted(triton, "nv_inference_count"), counted(triton, "nv_inference_exec_count")
    batches = [pictures(100)[start : start + 1 + start % 3] for start in range(90)]
    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(lambda pixels: embed(client, pixels), batches))
    for pixels, answer in zip(batches, answers, strict=True):
        np.testing.assert_allclose(answer, tiny_embedding(pixels), atol=1e-5)
    inferences = counted(triton, "nv_inference_count") - before[0]
    executions = counted(triton, "nv_inference_exec_count") - before[1]
    assert inferences == sum(len(pixels) for pixels in batches)
    assert executions < inferences / 2


def test_a_wrong_size_fails_alone_and_says_what_the_model_takes(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    """With a config that leaves the size open, so that it is the backend that refuses."""
    model = add_model(triton, "open_encoder", "32, 32, 3", "-1, -1, 3")
    load_model(triton.address, model.name)

    def one(number: int) -> Any:
        try:
            return embed(client, pictures(1, size=40 if number % 5 == 0 else 32), model.name)
        except InferenceServerException as error:
            return error

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(50)))
    for number, answer in enumerate(answers):
        if number % 5 == 0:
            assert isinstance(answer, InferenceServerException)
            assert "pixels has shape [1, 40, 40, 3], the model takes [?, 32, 32, 3]" in str(answer)
            assert answer.status() == "StatusCode.INVALID_ARGUMENT"
        else:
            assert answer.shape == (1, 8)


def test_a_damaged_graph_does_not_load_and_says_so(triton: RunningTriton) -> None:
    model = add_model(triton, "damaged_encoder", "", "")
    for content in (b"", b"not a graph"):
        (model / "1" / "model.onnx").write_bytes(content)
        with pytest.raises(StackError, match=r"damaged_encoder.*model\.onnx"):
            load_model(triton.address, model.name)
    (model / "1" / "model.onnx").unlink()
    with pytest.raises(StackError, match=r"damaged_encoder.*model\.onnx"):
        load_model(triton.address, model.name)


def test_a_config_that_disagrees_with_the_graph_does_not_load(triton: RunningTriton) -> None:
    model = add_model(triton, "misnamed_encoder", '"pixels"', '"image"')
    with pytest.raises(StackError, match=r"inputs \['image'\].*\['pixels'\]"):
        load_model(triton.address, model.name)


def test_its_log_stays_quiet_while_it_answers(triton: RunningTriton, client: InferenceServerClient) -> None:
    size = triton.stack.triton_log.stat().st_size
    embed(client, pictures(3))
    assert triton.stack.triton_log.read_bytes()[size:] == b""
