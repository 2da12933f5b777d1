import numpy as np
import pytest

from components.on_device_exporter import measure
from components.on_device_exporter.measure import Ranked


def test_a_place_is_the_rank_and_ties_share_the_mean() -> None:
    scores = np.array([[5.0, 1.0, 3.0, 3.0], [5.0, 1.0, 3.0, 3.0], [np.nan, 1.0, 3.0, 3.0]])
    nothing = np.zeros([3, 1], np.int32)
    # Items 3 and 4 tie at the ranks 2 and 3. What is not a number comes last.
    assert measure.places(scores, np.array([3, 4, 1]), nothing).tolist() == [2.5, 2.5, 4]
    # Without item 1, and without the label itself, which then is not shown at all; nor is an item unknown to the list.
    excluded = np.array([[1, 0], [4, 0], [1, 2]])
    assert measure.places(scores, np.array([3, 4, 0]), excluded).tolist() == [1.5, 5, 5]


def test_one_row_of_scores_serves_all_windows() -> None:
    popularity = np.array([9, 7, 8])
    assert measure.places(popularity, np.array([1, 2, 3]), np.array([[0], [3], [1]])).tolist() == [1, 2, 1]


def test_all_scores_equal_is_the_middle_for_all() -> None:
    labels = np.array([1, 2, 3, 4])
    assert measure.places(np.zeros([4, 4]), labels, np.zeros([4, 1], int)).tolist() == [2.5] * 4


def test_places_in_a_list() -> None:
    lists = np.array([[4, 2, 9], [4, 2, 9], [1, 0, 0]])
    assert measure.places_in(lists, np.array([9, 5, 0]), 9).tolist() == [3, 10, 10]


def test_recall_by_hand() -> None:
    assert measure.recall(np.array([1, 3, 10, 10.5]), 10).tolist() == [1, 1, 1, 0]


def test_slices_by_the_length_of_the_context() -> None:
    lengths = np.array([1, 2, 3, 5, 6, 9, 10, 500])
    ranked = Ranked(np.full(8, 2), np.arange(1, 9), lengths, np.arange(8) // 2)
    overall, *slices = measure.measure(ranked)
    assert [(one.name, one.windows, one.users) for one in slices] == [
        *(("1-2", 2, 1), ("3-5", 2, 1), ("6-9", 2, 1), ("10+", 2, 1))
    ]
    assert (overall.name, overall.windows, overall.users) == ("", 8, 4)
    assert overall.model.mean_rank.value == 2.0 and overall.popularity.mean_rank.value == 4.5
    difference = overall.model.ndcg_at_10.value - overall.popularity.ndcg_at_10.value
    assert overall.ndcg_above_popularity.value == pytest.approx(difference)
    assert [one.name for one in measure.measure(Ranked(*(column[6:] for column in ranked)))] == ["", "10+"]
