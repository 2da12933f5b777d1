import math

import numpy as np
import pytest

from recommender.evaluation import measures
from recommender.evaluation.measures import Measure, ranks_in_lists
from recommender.interactions.ragged import Ragged

LISTS = np.array([[3, 1, 0, 5], [2, 4, 5, 5], [5, 5, 5, 5]], np.int32)
"""Of five items; 5 is padding."""
RELEVANT = Ragged.of([[0, 3, 4], [2], [1, 6]])
"""The first user's item 4 is in no list, as are the last user's, of which the model does not know one."""


def _of(function, ranks: np.ndarray = None) -> dict[str, Measure]:
    found = ranks_in_lists(LISTS, RELEVANT, 5) if ranks is None else ranks
    return function(found, RELEVANT.rows, 3)


def test_ranks_are_places_in_the_list() -> None:
    assert ranks_in_lists(LISTS, RELEVANT, 5).tolist() == [3, 1, math.inf, 1, math.inf, math.inf]
    assert np.isinf(ranks_in_lists(np.full((3, 4), 5), RELEVANT, 5)).all()
    # Padding is never found, even if an unknown item has the same number.
    assert np.isinf(ranks_in_lists(np.full((1, 4), 5), Ragged.of([[5]]), 5)).all()


def test_measures_per_user_by_hand() -> None:
    found = _of(measures.of_users)
    first = (1 + 1 / 2) / (1 + 1 / math.log2(3) + 1 / 2)
    assert found["ndcg_at_10"].sums == pytest.approx([first, 1, 0])
    assert found["ndcg_at_100"].value == pytest.approx((first + 1) / 3)
    assert found["recall_at_10"].sums == pytest.approx([2 / 3, 1, 0])
    assert found["mrr"].sums == pytest.approx([1, 1, 0])


def test_a_cut_off_counts_the_ranks_up_to_it_and_the_ideal_list_is_no_longer() -> None:
    """A user with 20 relevant items, the first 10 of which fill the top 10, and none of them anything beyond."""
    ranks = np.where(np.arange(20) < 10, np.arange(1.0, 21), np.inf)
    found = measures.of_users(ranks, np.zeros(20, int), 1)
    assert found["ndcg_at_10"].value == pytest.approx(1.0) and found["recall_at_10"].value == 0.5
    later = measures.of_users(np.array([11.0]), np.array([0]), 1)
    assert later["ndcg_at_10"].value == 0 and later["recall_at_10"].value == 0
    assert later["ndcg_at_100"].value == pytest.approx(1 / math.log2(12)) and later["mrr"].value == 1 / 11


def test_users_without_a_relevant_item_do_not_count() -> None:
    found = measures.of_users(np.array([1.0]), np.array([2]), 3)
    assert found["recall_at_10"].counts.tolist() == [0, 0, 1] and found["recall_at_10"].value == 1.0
    assert all(math.isnan(measure.value) for measure in measures.of_users(np.zeros(0), np.zeros(0, int), 3).values())


def test_measures_per_event_weigh_a_user_by_their_events() -> None:
    found = _of(measures.of_events)
    assert found["event_top_1_accuracy"].value == pytest.approx(2 / 6)
    assert found["event_top_5_accuracy"].value == pytest.approx(3 / 6)
    assert found["event_ndcg_at_10"].value == pytest.approx((1 / 2 + 1 + 1) / 6)
    assert found["event_mrr"].value == pytest.approx((1 / 3 + 1 + 1) / 6)


def test_a_paired_difference_is_the_mean_of_the_users_differences() -> None:
    one, other = (Measure(np.array(sums), np.ones(4)) for sums in ([1.0, 0.5, 0.5, 0], [0.5, 0.0, 0.25, 0]))
    found, difference = one.interval(other), np.array([0.5, 0.5, 0.25, 0])
    error = difference.std(ddof=1) / 2
    assert found == pytest.approx((0.3125, 0.3125 - 1.959964 * error, 0.3125 + 1.959964 * error))
