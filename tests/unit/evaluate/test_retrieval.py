import numpy as np

from training.evaluate.retrieval import product_ranks, recall


def test_a_product_ranks_by_its_best_picture() -> None:
    gallery = np.eye(4, dtype=np.float32)
    owners = np.array([0, 0, 1, 2])
    queries = np.array([[0.1, 0.9, 0.5, 0.0], [0.0, 0.8, 0.6, 0.7]], dtype=np.float32)
    assert product_ranks(queries, np.array([0, 1]), gallery, owners).tolist() == [1, 3]


def test_ties_count_against_the_right_product() -> None:
    gallery = np.array([[1, 0], [1, 0]], dtype=np.float32)
    assert product_ranks(gallery[:1], np.array([0]), gallery, np.array([0, 1])).tolist() == [2]


def test_recall_counts_ranks_up_to_its_depth() -> None:
    result = recall(np.array([1, 2, 5, 11]), 5)
    assert (result.value, result.queries) == (0.75, 4)
    assert result.low < 0.75 < result.high
