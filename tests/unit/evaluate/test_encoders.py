"""Every kind of encoder that `--encoder` names, and what it says when something is wrong with it."""

import http.server
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import model_config_pb2, service_pb2
from tritonclient.grpc.service_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

from tests.support.onnx_encoder import write_onnx
from training.evaluate.encoder import unit
from training.evaluate.encoder_spec import open_encoder
from training.trained_on import write_trained_on
from visionseek.errors import (
    ArtifactError,
    CheckpointError,
    InputError,
    ManifestError,
    ModelNotServed,
    Unavailable,
    VisionSeekError,
)
from visionseek.manifests import EncoderManifest, write_manifest

ASSETS = Path(__file__).parents[2] / "assets" / "jina_clip"
SIZE = 16


def pictures(count: int = 5, size: int = SIZE) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8))


def manifest(size: int | None = SIZE, rule: str = "shortest-crop") -> EncoderManifest:
    return EncoderManifest(
        fingerprint="f", dimension=6, image_size=size, pixel_rule=rule, pixel_version=1, base="b", adapter=None,
        licence="Apache-2.0", parity={},
    )  # fmt: skip


@pytest.fixture
def onnx_folder(tmp_path: Path) -> Path:
    matrix = np.random.default_rng(1).normal(size=(8 * 8 * 3 + 1, 6)).astype(np.float32)
    write_onnx(tmp_path / "model.onnx", matrix, SIZE)
    write_manifest(manifest(), tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("onnx:", "it names no file"),
        ("tensorrt:model.plan", "there is no kind `tensorrt`"),
        ("triton:localhost", "no triton:HOST:PORT"),
        ("triton:host:1/a/b", "no triton:HOST:PORT"),
        ("http://", "address"),
        ("https:example", "address"),
        ("no/such/folder/at-all", "no such folder"),
    ],
)
def test_a_spec_that_names_no_encoder_is_refused_with_the_reason(spec: str, says: str) -> None:
    with pytest.raises(VisionSeekError, match=says):
        open_encoder(spec)


def test_an_adapter_belongs_to_a_checkpoint(onnx_folder: Path) -> None:
    for spec in ("hsv", f"onnx:{onnx_folder}"):
        with pytest.raises(InputError, match="--adapter belongs to a PyTorch checkpoint"):
            open_encoder(spec, adapter=Path("adapter"))


def test_an_onnx_file_gives_size_and_rule_by_its_manifest(onnx_folder: Path) -> None:
    write_trained_on(onnx_folder, ["a"])
    by_folder = open_encoder(f"onnx:{onnx_folder}")
    by_file = open_encoder(f"onnx:{onnx_folder / 'model.onnx'}", rule="pad")
    assert (by_folder.size, by_folder.rule, by_file.rule) == (SIZE, "shortest-crop", "pad")
    assert by_folder.trained_on is not None
    assert by_folder.trained_on.products == {"a"}
    given = pictures(40)
    vectors = by_folder.encode_images(given)
    assert vectors.shape == (40, 6)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    # Batches change nothing.
    assert by_file.encode_images(given[:1])[0] == pytest.approx(vectors[0], abs=1e-6)
    assert not by_folder.reads_text
    with pytest.raises(InputError, match="no text graph"):
        by_folder.encode_texts(["ring"])


def test_a_wrong_onnx_file_says_what_is_wrong(onnx_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no ONNX file here"):
        open_encoder(f"onnx:{tmp_path / 'missing.onnx'}")
    (onnx_folder / "manifest.json").unlink()
    with pytest.raises(ManifestError, match=r"no manifest\.json"):
        open_encoder(f"onnx:{onnx_folder}")
    write_manifest(manifest(size=None), onnx_folder)
    with pytest.raises(ManifestError, match="text encoder"):
        open_encoder(f"onnx:{onnx_folder}")
    write_manifest(manifest(size=SIZE * 2), onnx_folder)
    with pytest.raises(CheckpointError, match="the graph failed"):
        open_encoder(f"onnx:{onnx_folder}").encode_images(pictures(size=SIZE * 2))
    whole = (onnx_folder / "model.onnx").read_bytes()
    for damaged in (b"", b"not onnx", whole[: len(whole) // 2]):
        (onnx_folder / "model.onnx").write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"no readable ONNX graph|takes"):
            open_encoder(f"onnx:{onnx_folder}")


def test_a_graph_that_takes_no_uint8_pixels_is_refused(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, ["B", 3])],
        [value("y", TensorProto.FLOAT, ["B", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert onnx.__version__
    write_manifest(manifest(), tmp_path)
    with pytest.raises(CheckpointError, match="not uint8 pixels"):
        open_encoder(f"onnx:{tmp_path}")


def test_a_text_graph_needs_its_tokenizer(onnx_folder: Path, tmp_path: Path) -> None:
    import tokenizers
    from onnx import TensorProto, helper, numpy_helper

    text = tmp_path / "text"
    text.mkdir()
    table = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
            helper.make_node("ReduceMean", ["rows", "axis"], ["embedding"], keepdims=0),
        ],
        "text",
        [value("input_ids", TensorProto.INT64, ["B", "T"])],
        [value("embedding", TensorProto.FLOAT, ["B", 6])],
        [numpy_helper.from_array(table, "table"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    (text / "model.onnx").write_bytes(model.SerializeToString())
    spec = f"onnx:{onnx_folder},{text}"
    with pytest.raises(CheckpointError, match=r"no readable tokenizer\.json"):
        open_encoder(spec)
    words = {"[PAD]": 0, "[UNK]": 1, "gold": 2, "ring": 3}
    fast = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    fast.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    fast.save(str(text / "tokenizer.json"))
    encoder = open_encoder(spec)
    assert encoder.reads_text
    assert encoder.encode_texts(["gold ring", "ring"]).shape == (2, 6)


def test_a_checkpoint_of_ours_and_what_it_was_trained_on(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    shutil.copytree(ASSETS / "v1_a", folder)
    assert open_encoder(str(folder)).trained_on is None
    write_trained_on(folder, ["a"], ["f"])
    encoder = open_encoder(str(folder))
    assert encoder.trained_on is not None
    assert encoder.trained_on.families == {"f"}
    assert encoder.size == 32
    vectors = encoder.encode_images(pictures(3, 32))
    assert vectors.shape[0] == 3
    assert not encoder.reads_text
    with pytest.raises(InputError, match="no text can be embedded"):
        encoder.encode_texts(["ring"])
    (folder / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError):
        open_encoder(str(folder))


def test_a_checkpoint_with_a_vocabulary_reads_text(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    shutil.copytree(ASSETS / "v1_a", folder)
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "gold", "ring"]))
    encoder = open_encoder(str(folder))
    assert encoder.reads_text
    vectors = encoder.encode_texts(["gold ring"] * 70 + ["ring"])
    assert vectors.shape[0] == 71
    assert vectors[0] == pytest.approx(vectors[69], abs=1e-5)


def test_the_histogram_knows_colours_not_places() -> None:
    encoder = open_encoder("hsv")
    red, blue = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = blue[..., 2] = 200
    half = np.concatenate([red[:8], blue[:8]])
    vectors = encoder.encode_images([red, blue, half, half[::-1]])
    assert vectors @ vectors.T == pytest.approx(
        np.array([[1, 0, 0.5**0.5, 0.5**0.5], [0, 1, 0.5**0.5, 0.5**0.5],
                  [0.5**0.5, 0.5**0.5, 1, 1], [0.5**0.5, 0.5**0.5, 1, 1]]), abs=1e-6,
    )  # fmt: skip


@contextmanager
def server(status: int, body: Any, *, busy: int = 0) -> Iterator[str]:
    """An embedder on loopback that answers everything alike, the first `busy` times with 429."""
    left = [busy]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            code = status
            if left[0] > 0:
                left[0] -= 1
                code = 429
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}/embed"
        finally:
            listening.shutdown()
            thread.join()


@pytest.mark.parametrize(
    "body",
    [
        [3, 4],
        {"embedding": [3, 4]},
        {"data": [{"embedding": [3, 4]}]},
        {"embeddings": [[3, 4]]},
        {"vector": [3, 4]},
    ],
)
def test_an_http_embedder_may_answer_in_the_usual_ways(body: object) -> None:
    with server(200, body) as address:
        encoder = open_encoder(address)
        assert encoder.size is None
        assert encoder.encode_images(pictures(3)) == pytest.approx(np.tile([0.6, 0.8], (3, 1)))


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, b"<html>", "no vector"),
        (200, {"embedding": []}, "no vector"),
        (200, {"embedding": ["a"]}, "no vector"),
        (200, {"embedding": [0, 0]}, "length zero"),
        (500, {"detail": "broken"}, "answered 500"),
        (413, {"detail": "too large"}, "answered 413"),
    ],
)
def test_an_http_embedder_that_answers_wrongly_is_named(status: int, body: Any, says: str) -> None:
    with server(status, body) as address, pytest.raises((Unavailable, ArtifactError), match=says):
        open_encoder(address).encode_images(pictures(1))


def test_a_busy_http_embedder_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.evaluate.http_encoder._WAIT_S", 0.01)
    with server(200, [1, 0], busy=2) as address:
        assert open_encoder(address).encode_images(pictures(1)).tolist() == [[1.0, 0.0]]


def test_servers_that_are_down_are_told_with_their_address() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, but nobody listens
        with pytest.raises(Unavailable, match=str(port)):
            open_encoder(f"http://127.0.0.1:{port}/").encode_images(pictures(1))
        with pytest.raises(Unavailable, match=str(port)):
            open_encoder(f"triton:127.0.0.1:{port}")


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 3)), np.full((2, 3), np.nan), np.ones((3, 3)), np.ones(2), np.ones((2, 3), dtype=np.int64)],
)
def test_what_is_no_embedding_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ArtifactError, match="encoder x"):
        unit(wrong, 2, where="encoder x")


class FakeTriton(GRPCInferenceServiceServicer):  # type: ignore[misc]
    """As much of Triton as an encoder asks for: one model, the mean colour of each picture."""

    def __init__(self, dims: list[int]) -> None:
        self.dims = dims
        self.batches: list[int] = []

    def ModelConfig(self, request: Any, context: Any) -> Any:
        if request.name != "vision_encoder":
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown model {request.name}")
        config = model_config_pb2.ModelConfig(name=request.name, max_batch_size=4)
        config.input.add(name="pixels", data_type=model_config_pb2.TYPE_UINT8, dims=self.dims)
        config.output.add(name="embedding", data_type=model_config_pb2.TYPE_FP32, dims=[3])
        return service_pb2.ModelConfigResponse(config=config)

    def ModelInfer(self, request: Any, context: Any) -> Any:
        shape = list(request.inputs[0].shape)
        self.batches.append(shape[0])
        pixels = np.frombuffer(request.raw_input_contents[0], np.uint8).reshape(shape)
        means = (pixels.mean((1, 2)) + 1).astype(np.float32)
        answer = service_pb2.ModelInferResponse(model_name=request.model_name)
        answer.outputs.add(name="embedding", datatype="FP32", shape=means.shape)
        answer.raw_output_contents.append(means.tobytes())
        return answer


@contextmanager
def triton(dims: list[int]) -> Iterator[tuple[FakeTriton, str]]:
    fake = FakeTriton(dims)
    serving = grpc.server(futures.ThreadPoolExecutor(2))
    add_GRPCInferenceServiceServicer_to_server(fake, serving)
    port = serving.add_insecure_port("127.0.0.1:0")
    serving.start()
    try:
        yield fake, f"127.0.0.1:{port}"
    finally:
        serving.stop(None).wait()


def test_a_triton_is_asked_in_batches_that_it_takes() -> None:
    with triton([SIZE, SIZE, 3]) as (fake, address):
        encoder = open_encoder(f"triton:{address}")
        assert (encoder.size, encoder.reads_text, encoder.trained_on) == (SIZE, False, None)
        given = pictures(10)
        means = np.stack(given).mean((1, 2)) + 1
        expected = means / np.linalg.norm(means, axis=1, keepdims=True)
        assert encoder.encode_images(given) == pytest.approx(expected, abs=1e-5)
        assert fake.batches == [4, 4, 2]
        with pytest.raises(ModelNotServed, match="unknown model other"):
            open_encoder(f"triton:{address}/other")


def test_a_triton_model_that_takes_no_pixels_is_refused() -> None:
    with triton([77]) as (_, address), pytest.raises(InputError, match="not uint8 pixels"):
        open_encoder(f"triton:{address}")
