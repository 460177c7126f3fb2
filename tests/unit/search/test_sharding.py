import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.sharding import shards_of

IDS = np.random.default_rng(7).integers(0, 2**63 - 1, 100_000)


def reference(key: int, buckets: int) -> int:
    """The algorithm as printed in the paper, for one key."""
    b, j = -1, 0
    while j < buckets:
        b = j
        key = (key * 2862933555777941757 + 1) % 2**64
        j = int((b + 1) * (float(1 << 31) / float((key >> 33) + 1)))
    return b


@given(st.integers(0, 2**63 - 1), st.integers(1, 1000))
def test_agrees_with_the_published_algorithm(image_id: int, shards: int) -> None:
    assert shards_of([image_id], shards)[0] == reference(image_id, shards)


@pytest.mark.parametrize("shards", [2, 3, 8, 16])
def test_images_spread_evenly(shards: int) -> None:
    counts = np.bincount(shards_of(IDS, shards), minlength=shards)
    mean = len(IDS) / shards
    assert np.all(np.abs(counts - mean) < 5 * np.sqrt(mean))  # five standard deviations of a fair draw


@pytest.mark.parametrize("shards", [1, 2, 7, 15])
def test_adding_a_shard_moves_one_nth_and_only_to_the_new_one(shards: int) -> None:
    before, after = shards_of(IDS, shards), shards_of(IDS, shards + 1)
    moved = before != after
    share = 1 / (shards + 1)
    assert abs(moved.mean() - share) < 5 * np.sqrt(share * (1 - share) / len(IDS))
    assert set(after[moved].tolist()) == {shards}


def test_the_shard_of_an_id_never_changes_between_releases() -> None:
    assert shards_of([0, 1, 2**62, 2**63 - 1, 123456789], 8).tolist() == [
        reference(i, 8) for i in (0, 1, 2**62, 2**63 - 1, 123456789)
    ]
    assert shards_of([], 4).tolist() == []


def test_no_shards_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one shard"):
        shards_of([1], 0)
