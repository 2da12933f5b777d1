from recommender.interactions.contexts import user_contexts
from recommender.interactions.interactions import Interactions
from small_interactions import interactions


def make_events() -> Interactions:
    """User 1 returns to item 5, user 2 has no event, 3 is the unknown user."""
    user, item, timestamp = [1, 1, 0, 1, 1, 3], [5, 6, 7, 8, 5, 9], [10, 30, 5, 20, 40, 99]
    return interactions(user, item, 3.0, timestamp, num_users=3)


def test_histories_are_the_latest_and_requests_come_when_the_split_asks() -> None:
    contexts = user_contexts(make_events().known, history_length=2, method="random")
    assert contexts.seen.values.tolist() == [7, 8, 6, 5]
    assert contexts.histories.values.tolist() == [7, 6, 5]
    assert contexts.histories.row_splits.tolist() == [0, 1, 3, 3, 3]
    assert contexts.timestamps.tolist() == [5, 40, 40, 40]
    assert user_contexts(make_events().known, 2, "time").timestamps.tolist() == [40] * 4
