from recommender.interactions.sittings import sittings
from small_interactions import interactions


def test_a_pause_of_more_than_an_hour_or_another_user_begins_a_sitting() -> None:
    events = interactions([0, 0, 0, 1, 1], range(5), None, [100, 3_700, 7_301, 7_301, 7_400])
    assert sittings(events).tolist() == [0, 0, 1, 2, 2]


def test_without_times_each_event_is_a_sitting() -> None:
    assert sittings(interactions([0, 0, 1], range(3), None, None)).tolist() == [0, 1, 2]
