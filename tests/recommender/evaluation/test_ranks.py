import numpy as np
import pytest

from recommender.evaluation.ranks import gains, ranks


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
