import numpy as np
import pytest
import tensorflow as tf

from recommender.evaluation.ranks import gains, ranks
from recommender.serving.ranks import Fixed, rank, rank_fixed


def test_hand_worked_ranks() -> None:
    scores = np.array([[4.0, 3, 3, 1], [4.0, 3, 3, 1], [1.0, 1, 1, 1], [9.0, np.nan, 1, 0], [np.nan, 2, 1, 0]])
    left_out = np.zeros(scores.shape, bool)
    left_out[1, [0, 2]] = True
    left_out[2, 3] = True
    # Two share 2 and 3; alone at the top, as 0 and 2 are left out; last of four ties, itself left out; not a number;
    # below one that is not a number.
    assert ranks(scores, np.array([1, 1, 3, 1, 1]), left_out).tolist() == [2.5, 1, 2.5, 4, 2]


def test_an_unknown_item_ranks_nowhere() -> None:
    assert ranks(np.ones((1, 3)), np.array([3]), np.zeros((1, 3), bool)).tolist() == [np.inf]
    assert gains(np.array([np.inf])).tolist() == [0.0]


def test_gains_fall_with_the_logarithm_up_to_the_last_rank_that_counts() -> None:
    assert gains(np.array([1, 3, 7])).tolist() == [1, 0.5, 1 / 3]
    assert gains(np.array([10.0, 10.5]), 10) == pytest.approx([1 / np.log2(11), 0])


def test_the_exported_graph_ranks_in_the_same_way() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 5, (200, 12)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.1] = np.nan
    items = rng.integers(0, 13, 200).astype(np.int32)
    seen = rng.random(scores.shape) < 0.3
    rows, columns = np.nonzero(seen)
    ragged = tf.RaggedTensor.from_value_rowids(columns.astype(np.int32), rows, nrows=200)
    found = rank(tf.constant(items), ragged, lambda begin, end: tf.constant(scores)[begin:end], 12)
    assert found.numpy().tolist() == ranks(scores, items, seen).tolist()
    alike = np.tile(rng.integers(0, 5, 12).astype(np.float32), (200, 1))
    fixed = rank_fixed(tf.constant(items), ragged, Fixed.of(alike[0]), 12)
    assert fixed.numpy().tolist() == ranks(alike, items, seen).tolist()
