import numpy as np
import pytest

from recommender.interactions.interactions import NO_TIME, Interactions
from small_interactions import interactions

# (user, item, rating, time); user 1 comes back to item 5, user 2 has no event, 3 and item 8 stand for unknown ones.
ROWS = np.array([(1, 5, 1, 10), (1, 6, 2, 30), (0, 7, 3, 5), (1, 4, 4, 20), (1, 5, 5, 40), (3, 1, 1, 99), (0, 8, 2, 7)])


def make(rows: np.ndarray = ROWS) -> Interactions:
    user, item, rating, timestamp = rows.T
    return interactions(user, item, rating, timestamp, num_users=3, num_items=8)


def test_they_are_sorted_by_user_and_time() -> None:
    events = make()
    assert events.user.tolist() == [0, 0, 1, 1, 1, 1, 3]
    assert events.item.tolist() == [7, 8, 5, 4, 6, 5, 1]
    assert events.rating.tolist() == [3, 2, 1, 4, 2, 5, 1]
    assert events.row_splits.tolist() == [0, 2, 6, 6, 7]
    assert events.items.rows.tolist() == [0, 0, 1, 1, 1, 1, 3]
    assert events.popularity.tolist() == [0, 1, 0, 0, 1, 2, 1, 1]
    types = [column.dtype for column in (events.user, events.item, events.rating, events.timestamp)]
    assert types == [np.int32, np.int32, np.float32, np.int64]


def test_the_order_of_rows_changes_nothing_and_ties_are_not_in_the_order_of_ids() -> None:
    rows = np.array([(0, item, 1, 7) for item in range(200)])
    first = interactions(*rows.T).item
    shuffled = interactions(*rows[np.random.default_rng(0).permutation(200)].T).item
    assert first.tolist() == shuffled.tolist() and sorted(first.tolist()) == list(range(200))
    assert abs(np.corrcoef(first, np.arange(200))[0, 1]) < 0.3
    assert make(ROWS[::-1]).rating.tolist() == make().rating.tolist()


def test_the_known_are_those_with_both_indices_in_range() -> None:
    known = make().known
    assert known.user.tolist() == [0, 1, 1, 1, 1] and known.item.tolist() == [7, 5, 4, 6, 5]
    assert known.known is known and known.num_users == 3 and known.num_items == 8


def test_the_distinct_are_the_latest_of_each_pair() -> None:
    distinct = make().known.distinct
    assert distinct.item.tolist() == [7, 4, 6, 5] and distinct.timestamp.tolist() == [5, 20, 30, 40]
    assert distinct.row_splits.tolist() == [0, 1, 4, 4, 4]


@pytest.mark.parametrize("rows", [np.array([1, 3]), np.array([False, True, False, True, False, False, False])])
def test_taken_rows_keep_their_order(rows: np.ndarray) -> None:
    assert make().take(rows).item.tolist() == [8, 4]


def test_events_without_a_time_come_first_and_get_one_for_features() -> None:
    """User 0's first time is 20; user 2 has none, so that of the first event of all counts."""
    events = interactions([0, 0, 0, 1, 2], [1, 2, 3, 4, 5], 1.0, [30, np.nan, 20, 7, np.nan])
    assert events.item.tolist() == [2, 3, 1, 4, 5] and events.position.tolist() == [0, 1, 2, 0, 0]
    assert events.timestamp.tolist() == [20, 20, 30, 7, 7]
    assert events.is_timed.tolist() == [False, True, True, True, False] and events.has_times


def test_without_any_time_the_given_order_counts() -> None:
    events = interactions([1, 0, 1, 1], [9, 1, 3, 5], None, None)
    assert events.item.tolist() == [1, 9, 3, 5] and events.position.tolist() == [0, 0, 1, 2]
    assert events.timestamp.tolist() == [0] * 4 and not events.has_times and not events.has_ratings
    assert np.isnan(events.rating).all()


def test_a_given_position_is_the_order_and_remains_in_a_part() -> None:
    events = Interactions.of(
        user=np.array([0, 0, 0]),
        item=np.array([1, 2, 3]),
        rating=np.array([np.nan, 4.0, np.nan]),
        timestamp=np.array([10, 10, NO_TIME]),
        num_users=1,
        num_items=4,
        position=np.array([7, 3, 0]),
    )
    assert events.item.tolist() == [3, 2, 1] and events.rated.item.tolist() == [2]
    assert events.take(np.array([0, 2])).position.tolist() == [0, 7]


def test_the_weights_of_a_pair_add_up() -> None:
    events = interactions([0, 0, 0], [1, 2, 1], None, None, weight=[0.5, 2, 3])
    assert events.weight.dtype == np.float32 and events.has_weights and not make().has_weights
    assert events.distinct.item.tolist() == [2, 1] and events.distinct.weight.tolist() == [2.0, 3.5]


def test_renumbered_users_keep_their_order() -> None:
    events = make().with_users(np.array([2, 1, 2, 0]), num_users=2)
    assert events.user.tolist() == [0, 1, 1, 1, 1, 2, 2] and events.item.tolist() == [1, 5, 4, 6, 5, 7, 8]
    assert events.row_splits.tolist() == [0, 1, 5, 7]
