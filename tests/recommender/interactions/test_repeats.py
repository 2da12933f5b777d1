import numpy as np
import pytest

from recommender.interactions.repeats import settle
from small_interactions import interactions

# (user, item, rating, time): user 0 rates item 1 three times, twice in the same second.
ROWS = np.array([(0, 1, 5, 10), (0, 1, 2, 10), (0, 2, 4, 20), (0, 1, 3, 30), (1, 1, 4, 10)])


@pytest.mark.parametrize(("repeats", "expected"), [("each", [2, 4, 3, 4]), ("last", [4, 3, 4]), ("auto", [4, 3, 4])])
def test_of_ratings_in_a_second_the_last_row_counts_and_of_others_the_latest(repeats: str, expected: list) -> None:
    assert settle(interactions(*ROWS.T), repeats).rating.tolist() == expected


def test_without_ratings_every_event_counts() -> None:
    events = settle(interactions(ROWS[:, 0], ROWS[:, 1], None, ROWS[:, 3]), "auto")
    assert events.item.tolist() == [1, 2, 1, 1] and len(settle(events, "last")) == 3


def test_different_weights_of_a_second_add_up_and_the_same_row_twice_is_one_event() -> None:
    events = interactions([0] * 6, [1, 1, 1, 2, 1, 2], None, [10, 10, 10, 10, 11, 10], weight=[1, 3, 1, 2, 5, 2])
    settled = settle(events, "each")
    found = sorted(zip(settled.item.tolist(), settled.timestamp.tolist(), settled.weight.tolist(), strict=True))
    assert found == [(1, 10, 4.0), (1, 11, 5.0), (2, 10, 2.0)]


def test_events_without_a_time_are_not_of_the_same_second() -> None:
    assert len(settle(interactions([0, 0], [1, 1], None, None), "each")) == 2
    assert len(settle(interactions([0, 0, 0], [1, 1, 1], None, [np.nan, np.nan, 3]), "each")) == 3


def test_equal_ratings_are_none() -> None:
    assert not settle(interactions([0, 0, 1], [1, 2, 1], [1.0, np.nan, 1.0], [1, 2, 3]), "auto").has_ratings
    assert settle(interactions([0, 0, 1], [1, 2, 1], [1.0, np.nan, 2.0], [1, 2, 3]), "auto").has_ratings


def test_a_log_without_repeats_stays_as_it_is() -> None:
    events = interactions(*ROWS[1:3].T)
    assert settle(events, "each") is events
