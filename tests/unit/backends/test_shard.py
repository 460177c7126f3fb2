import json
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from backends.faiss.answer import Answer, answer
from backends.faiss.errors import BadRequest, DamagedShard
from backends.faiss.index import Index
from backends.faiss.shard import Shard
from tests.integration.support.shard import jewelry_columns, unit_vectors, write_shard_files

ROWS, DIMENSION = 3_000, 16
VECTORS = unit_vectors(ROWS, DIMENSION)
QUERIES = unit_vectors(6, DIMENSION, seed=1)
COLUMNS = jewelry_columns(ROWS)
FACTORIES = ["Flat", "IVF32,SQ8", "IVF32,Flat", "HNSW16", "PCA8,IVF16,SQ8", "SQ8"]


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    faiss.omp_set_num_threads(1)


@pytest.fixture(scope="module", params=FACTORIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shard") / "1"
    return write_shard_files(path, VECTORS, range(ROWS), COLUMNS, factory=request.param)


@pytest.fixture(scope="module")
def flat(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shard_files(tmp_path_factory.mktemp("flat") / "1", VECTORS, range(ROWS), COLUMNS)


def best(mask: Any, k: int) -> Any:
    rows = np.flatnonzero(mask)
    order = np.argsort(-(QUERIES @ VECTORS[rows].T), axis=1, kind="stable")[:, :k]
    return rows[order]


@pytest.mark.parametrize("exact_rows", [0, 10_000])
@pytest.mark.parametrize("wanted", [{"category": "ring"}, {"price": {"min": 3_090}}, {"category": "tiara"}])
def test_every_kind_of_index_keeps_filters_and_scores_exactly(
    folder: Path, wanted: dict[str, Any], exact_rows: int
) -> None:
    shard = Shard(folder, exact_rows=exact_rows)
    mask = shard.columns.passing(wanted)
    found, _ = shard.search(QUERIES, 10, mask)
    passing = int(mask.sum())
    assert ((found.image_ids >= 0).sum(axis=1) == min(10, passing)).all()
    for query, ids, scores in zip(QUERIES, found.image_ids, found.scores, strict=True):
        known = ids >= 0
        assert mask[ids[known]].all()
        assert len(set(ids[known])) == known.sum()
        np.testing.assert_allclose(scores[known], VECTORS[ids[known]] @ query, atol=1e-6)
        assert np.isneginf(scores[~known]).all()
        assert (np.diff(scores[known]) <= 0).all()


def test_few_passing_rows_and_flat_indexes_are_exact(folder: Path, flat: Path) -> None:
    mask = np.zeros(ROWS, np.bool_)
    mask[5:900] = True
    np.testing.assert_array_equal(Shard(folder).search(QUERIES, 20, mask)[0].image_ids, best(mask, 20))
    everything = np.ones(ROWS, np.bool_)
    found, how = Shard(flat).search(QUERIES, 20, None)
    np.testing.assert_array_equal(found.image_ids, best(everything, 20))
    assert how == "index"


def test_an_index_without_selectors_is_asked_for_more_and_its_strangers_dropped(flat: Path) -> None:
    shard = Shard(flat, exact_rows=0)
    shard._index = Index(faiss.read_index(str(flat / "index.faiss")), selects=False)
    mask = shard.columns.passing({"category": "ring"})
    found, how = shard.search(QUERIES, 10, mask)
    np.testing.assert_array_equal(found.image_ids, best(mask, 10))
    assert how == "index"
    few = np.zeros(ROWS, np.bool_)
    few[:3] = True
    assert (np.sort(shard.search(QUERIES, 5, few)[0].image_ids, axis=1) == [-1, -1, 0, 1, 2]).all()


def test_equal_scores_are_ordered_by_id_on_every_machine(tmp_path: Path) -> None:
    vectors = np.repeat(unit_vectors(1, 4), 50, axis=0)
    ids = np.random.default_rng(3).permutation(50)
    shard = Shard(write_shard_files(tmp_path / "1", vectors, ids.tolist(), {}))
    found, _ = shard.search(vectors[:1], 50, None)
    assert found.image_ids[0].tolist() == list(range(50))


def test_each_request_of_a_batch_has_its_own_k_filter_and_error(flat: Path) -> None:
    shard = Shard(flat)
    asked: list[tuple[Any, dict[str, Any]]] = [
        (QUERIES[:1], {"k": 3}),
        (QUERIES[1:3], {"k": 3}),
        (QUERIES[:1], {"k": 7, "filter": '{"category": "ring"}', "facets": '["category"]'}),
        (QUERIES[:1], {"k": 7, "filter": '{"colour": "red"}'}),
        (QUERIES[:1, :3], {}),
        (QUERIES[:1], {"facets": '["colour"]'}),
    ]
    answers = answer(shard, [(query, json.dumps(parameters)) for query, parameters in asked])
    assert [type(one) for one in answers] == [Answer, Answer, Answer, BadRequest, BadRequest, BadRequest]
    everything = best(np.ones(ROWS, np.bool_), 3)
    first, second, third = answers[:3]
    assert isinstance(first, Answer)
    assert isinstance(second, Answer)
    assert isinstance(third, Answer)
    np.testing.assert_array_equal(first.image_ids, everything[:1])
    np.testing.assert_array_equal(second.image_ids, everything[1:3])
    assert second.extra.shape[0] == 2
    assert third.scores.shape == (1, 7)
    told = json.loads(bytes(third.extra[0]))
    rings = COLUMNS["category"].count("ring")
    assert told == {
        "images": ROWS,
        "passing": rings,
        "searched": "exact",
        "facets": {"category": {"ring": rings}},
    }


def test_a_fault_is_that_request_s_alone(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shard = Shard(flat)
    search = shard.search

    def fail_on_two(queries: Any, k: int, mask: Any) -> Any:
        if len(queries) > 2:
            raise MemoryError
        return search(queries, k, mask)

    monkeypatch.setattr(shard, "search", fail_on_two)
    monkeypatch.setattr(shard.columns, "facets", lambda fields, mask: 1 / 0 if "metal" in fields else {})
    metal = '{"facets": ["metal"]}'
    asked = [(QUERIES[:3], ""), (QUERIES[:1], ""), (QUERIES[:1], "{"), (QUERIES[:1], "[]")]
    asked += [(QUERIES[:1], json.dumps({"facets": metal})), (QUERIES[:1], '{"facets": "[\\"metal\\"]"}')]
    kinds = [MemoryError, Answer, BadRequest, BadRequest, BadRequest, ZeroDivisionError]
    assert [type(one) for one in answer(shard, asked)] == kinds


@pytest.mark.parametrize("name", ["index.faiss", "vectors.npy", "image_ids.npy", "columns.json"])
def test_a_file_that_changed_shrank_or_vanished_is_named(tmp_path: Path, name: str) -> None:
    folder = write_shard_files(tmp_path / "1", VECTORS[:50], range(50), jewelry_columns(50))
    content = (folder / name).read_bytes()
    flipped = bytearray(content)
    flipped[len(content) // 2] ^= 1
    for damaged in (bytes(flipped), content[:-1], b""):
        (folder / name).write_bytes(damaged)
        with pytest.raises(DamagedShard, match=rf"{name}: sha256"):
            Shard(folder)
    (folder / name).unlink()
    with pytest.raises(DamagedShard, match=rf"{name}: No such file"):
        Shard(folder)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"dimension": 4}, r"vectors\.npy: shape \[50, 16\], the manifest says \[50, 4\]"),
        ({"images": 49}, "shape"),
        ({"images": "many"}, "many"),
        ({"files": {}}, "names no index.faiss"),
        ({"files": []}, "names no index.faiss"),
        ({"files": None}, r"manifest\.json"),
    ],
)
def test_a_manifest_that_disagrees_with_its_files_is_refused(
    tmp_path: Path, told: dict[str, Any], message: str
) -> None:
    folder = write_shard_files(tmp_path / "1", VECTORS[:50], range(50), jewelry_columns(50), **told)
    with pytest.raises(DamagedShard, match=message):
        Shard(folder)


def test_columns_that_are_not_by_row_are_refused(tmp_path: Path) -> None:
    folder = write_shard_files(tmp_path / "1", VECTORS[:50], range(50), {"category": ["ring"]})
    with pytest.raises(DamagedShard, match="column `category` has 1 rows, the shard 50"):
        Shard(folder)


def test_an_index_of_distances_is_refused(tmp_path: Path) -> None:
    folder = write_shard_files(tmp_path / "1", VECTORS[:50], range(50), {})
    index = faiss.IndexFlatL2(DIMENSION)
    index.add(VECTORS[:50])
    faiss.write_index(index, str(folder / "index.faiss"))
    manifest = json.loads((folder / "manifest.json").read_text())
    import hashlib

    manifest["files"]["index.faiss"] = hashlib.sha256((folder / "index.faiss").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DamagedShard, match="inner products"):
        Shard(folder)
