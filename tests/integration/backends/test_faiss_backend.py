import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from stack.triton_control import load_model, model_states
from tests.integration.conftest import SHARD, SHARD_ROWS, RunningTriton
from tests.integration.support.shard import jewelry_columns, unit_vectors, write_tiny_shard
from visionseek.errors import StackError

VECTORS = unit_vectors(SHARD_ROWS)


@pytest.fixture(scope="module")
def client(triton: RunningTriton) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(triton.address.grpc) as client:
        yield client


def ask(
    client: InferenceServerClient,
    query: NDArray[np.float32],
    parameters: Mapping[str, Any],
    *,
    model: str = SHARD,
    version: str = "",
) -> dict[str, Any]:
    tensor = InferInput("query", list(query.shape), "FP32")
    tensor.set_data_from_numpy(query)
    result = client.infer(
        model, [tensor], parameters=dict(parameters), model_version=version, client_timeout=60
    )
    answer = {name: result.as_numpy(name) for name in ("scores", "image_ids", "extra")}
    answer["extra"] = json.loads(bytes(answer["extra"][0]))
    return answer


def counted(triton: RunningTriton, metric: str, model: str = SHARD) -> float:
    text = httpx.get(triton.address.metrics, trust_env=False).text
    lines = [line for line in text.splitlines() if line.startswith(f'{metric}{{model="{model}"')]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_answers_are_the_exact_best_and_short_ones_are_padded(client: InferenceServerClient) -> None:
    queries = unit_vectors(3, seed=5)
    answer = ask(client, queries, {"k": SHARD_ROWS + 4})
    similar = queries @ VECTORS.T
    best = np.argsort(-similar, axis=1, kind="stable")
    np.testing.assert_array_equal(answer["image_ids"][:, :SHARD_ROWS], best + 1000)
    np.testing.assert_allclose(answer["scores"][:, :SHARD_ROWS], -np.sort(-similar, axis=1), atol=1e-6)
    assert (answer["image_ids"][:, SHARD_ROWS:] == -1).all()
    assert np.isneginf(answer["scores"][:, SHARD_ROWS:]).all()


def test_a_filter_and_facets_travel_as_request_parameters(client: InferenceServerClient) -> None:
    columns = jewelry_columns(SHARD_ROWS)
    wanted = {"category": "ring", "metal": ["yellow gold", "rose gold"], "price": {"min": 110, "max": 140}}
    rows = [
        row
        for row in range(SHARD_ROWS)
        if columns["category"][row] == "ring"
        and columns["metal"][row] in wanted["metal"]
        and columns["price"][row] is not None
        and 110 <= columns["price"][row] <= 140
    ]
    parameters = {"k": 20, "filter": json.dumps(wanted), "facets": '["metal", "in_stock"]'}
    answer = ask(client, VECTORS[:1], parameters)
    found = answer["image_ids"][0]
    assert sorted(found[found >= 0] - 1000) == rows
    assert answer["extra"]["passing"] == len(rows)
    assert sum(answer["extra"]["facets"]["metal"].values()) == len(rows)


def test_concurrent_requests_share_executions_and_a_wrong_one_fails_alone(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    before = counted(triton, "nv_inference_count"), counted(triton, "nv_inference_exec_count")

    def one(number: int) -> Any:
        parameters: dict[str, Any] = {"k": 1 + number % 5}
        if number % 4 == 1:
            parameters["filter"] = '{"category": "ring"}'
        if number % 8 == 3:
            parameters["filter"] = ('{"colour": "red"}', '{"a":' * 900 + "1" + "}" * 900, r'{"\ud800": 1}')[
                number % 3
            ]
        try:
            return ask(client, VECTORS[number : number + 1], parameters)
        except InferenceServerException as error:
            return error

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(one, [n % SHARD_ROWS for n in range(240)]))
    for number, answer in zip([n % SHARD_ROWS for n in range(240)], answers, strict=True):
        if number % 8 == 3:
            assert isinstance(answer, InferenceServerException)
            assert answer.status() == "StatusCode.INVALID_ARGUMENT"
            said = ("unknown field `colour`; this shard knows category", "more than 8 levels", r"`\ud800`")
            assert said[number % 3] in str(answer)
            continue
        assert answer["image_ids"].shape == (1, 1 + number % 5)
        if number % 4 != 1 or number % 3 == 0:  # the row itself passes the filter
            assert answer["image_ids"][0, 0] == 1000 + number
    inferences = counted(triton, "nv_inference_count") - before[0]
    executions = counted(triton, "nv_inference_exec_count") - before[1]
    assert inferences >= 200
    assert executions < inferences / 2


@pytest.mark.parametrize(
    ("query", "parameters", "message"),
    [
        (np.full((1, 8), np.nan, np.float32), {}, "NaN"),
        (np.full((1, 8), np.inf, np.float32), {}, "infinity"),
        (np.zeros((1, 8), np.float32), {}, "zeros"),
        (np.ones((1, 9), np.float32), {}, r"\[1, 9\].*\[B, 8\]"),
        (VECTORS[:1], {"k": 0}, "k must be"),
        (VECTORS[:1], {"k": -3}, "k must be"),
        (VECTORS[:1], {"k": 10**9}, "k must be"),
        (VECTORS[:1], {"k": "5"}, "k must be"),
        (VECTORS[:1], {"filter": "{"}, "not JSON"),
        (VECTORS[:1], {"filtr": "{}"}, "unknown parameter filtr"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    client: InferenceServerClient, query: NDArray[np.float32], parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message):
        ask(client, query, parameters)


def test_a_flipped_byte_is_refused_at_load_while_the_old_version_serves_on(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    model = "catalog_shard_flipped"
    write_tiny_shard(triton.repository, vectors=VECTORS, model=model, version=1)
    load_model(triton.address, model)
    folder = write_tiny_shard(triton.repository, vectors=VECTORS, model=model, version=2)
    content = bytearray((folder / "vectors.npy").read_bytes())
    content[-5] ^= 1
    (folder / "vectors.npy").write_bytes(content)
    with pytest.raises(StackError, match=r"vectors\.npy: sha256"):
        load_model(triton.address, model)
    assert ask(client, VECTORS[7:8], {"k": 1}, model=model)["image_ids"].tolist() == [[1007]]
    states = {state.version: state.state for state in model_states(triton.address) if state.name == model}
    assert states == {"1": "READY", "2": "UNAVAILABLE"}


def test_two_generations_answer_side_by_side_by_version(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    model = "catalog_shard_two"
    write_tiny_shard(triton.repository, vectors=VECTORS, model=model, version=1)
    load_model(triton.address, model)
    write_tiny_shard(triton.repository, vectors=VECTORS, image_ids=range(SHARD_ROWS), model=model, version=2)
    load_model(triton.address, model)
    found = [
        ask(client, VECTORS[3:4], {"k": 1}, model=model, version=version)["image_ids"].item()
        for version in ("1", "2")
    ]
    assert found == [1003, 3]


def test_the_response_cache_is_refused_because_it_ignores_request_parameters(triton: RunningTriton) -> None:
    model = "catalog_shard_cached"
    write_tiny_shard(triton.repository, vectors=VECTORS, model=model)
    with (triton.repository / model / "config.pbtxt").open("a") as config:
        config.write("response_cache { enable: true }\n")
    with pytest.raises(StackError, match="response_cache must be off"):
        load_model(triton.address, model)


def test_an_empty_shard_loads_and_answers_with_padding(
    triton: RunningTriton, client: InferenceServerClient
) -> None:
    model = "catalog_shard_empty"
    write_tiny_shard(triton.repository, vectors=np.empty((0, 8), np.float32), model=model)
    load_model(triton.address, model)
    answer = ask(client, VECTORS[:1], {"k": 3, "filter": '{"category": "ring"}'}, model=model)
    assert answer["image_ids"].tolist() == [[-1, -1, -1]]
