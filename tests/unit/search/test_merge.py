import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from search.merge import merge
from visionseek.vocabulary import Candidate


def found(*pairs: tuple[float, int]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([score for score, _ in pairs], np.float32),
        np.array([image_id for _, image_id in pairs], np.int64),
    )


def test_the_largest_scores_of_all_shards_win_and_padding_is_dropped() -> None:
    merged = merge([found((0.9, 1), (0.1, 2), (-np.inf, -1)), found((0.5, 3), (-np.inf, -1))], 3)
    assert [c.image_id for c in merged] == [1, 3, 2]
    assert merged[0] == Candidate(1, float(np.float32(0.9)))


def test_equal_scores_come_in_the_order_of_id() -> None:
    assert [c.image_id for c in merge([found((0.5, 9), (0.5, 4)), found((0.5, 7))], 3)] == [4, 7, 9]


def test_an_image_that_two_shards_answer_with_comes_once_with_its_best_score() -> None:
    assert merge([found((0.5, 1)), found((0.75, 1))], 5) == (Candidate(1, 0.75),)


def test_nothing_found_is_an_empty_answer() -> None:
    assert merge([], 3) == ()
    assert merge([found((-np.inf, -1))], 3) == ()


@given(
    st.lists(st.floats(-1, 1, width=32), max_size=60),
    st.integers(1, 5),
    st.integers(1, 80),
)
def test_equals_one_sort_over_everything(scores: list[float], shards: int, k: int) -> None:
    everything = [(score, image_id) for image_id, score in enumerate(scores)]
    expected = sorted(everything, key=lambda pair: (-pair[0], pair[1]))[:k]
    merged = merge([found(*everything[shard::shards]) for shard in range(shards)], k)
    assert [(c.score, c.image_id) for c in merged] == expected
