import numpy as np

from recommender.evaluation.held_out import HeldOut
from small_interactions import interactions


def test_a_pair_counts_once_by_its_first_event_and_unknown_items_are_different_ones() -> None:
    events = interactions([4, 4, 4, 4, 9], [1, 1, 3, 3, 0], [5.0, 2.0, 1.0, 4.0, 3.0], [20, 10, 1, 2, 5], num_items=3)
    found = HeldOut.of(events, seed=0, most_users=9)
    assert found.users.tolist() == [4, 9] and found.num_users == 2
    assert found.items.rows.tolist() == [0, 0, 0, 1]
    assert sorted(zip(found.items.values, found.rating, strict=True)) == [(0, 3.0), (1, 2.0), (3, 1.0), (3, 4.0)]


def test_of_many_users_some_are_drawn_with_all_their_events() -> None:
    events = interactions(np.repeat(np.arange(50), 3), np.tile(np.arange(3), 50), None, None)
    found = HeldOut.of(events, seed=1, most_users=20)
    assert len(set(found.users)) == 20 and found.num_users == 50
    assert np.diff(found.items.row_splits).tolist() == [3] * 20
    assert np.array_equal(found.users, HeldOut.of(events, seed=1, most_users=20).users)
    assert not np.array_equal(found.users, HeldOut.of(events, seed=2, most_users=20).users)
