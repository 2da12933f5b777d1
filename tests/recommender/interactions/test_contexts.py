import numpy as np

from recommender.interactions.contexts import user_contexts, user_items
from recommender.interactions.inputs import Events
from schemas.settings import Settings

# (user, item, time); user 1 comes back to item 5, user 2 has no event, 3 stands for unknown users.
ROWS = [(1, 5, 10), (1, 6, 30), (0, 7, 5), (1, 8, 20), (1, 5, 40), (3, 9, 99)]


def make_events(rows: list[tuple[int, int, int]]) -> Events:
    user, item, timestamp = (np.array(column) for column in zip(*rows, strict=True))
    ratings = np.full(len(rows), 3.0, np.float32)
    return Events(user.astype(np.int32), item.astype(np.int32), ratings, timestamp.astype(np.int64))


def settings(method: str, length: int) -> Settings:
    return Settings.model_validate(
        {
            "name": "x",
            "data": {"folder": "."},
            "split": {"method": method},
            "retrieval": {"history_length": length},
        }
    )


def test_items_are_distinct_and_in_the_order_of_the_latest_event() -> None:
    items, timestamps = user_items(make_events(ROWS), num_users=3)
    assert items.row_splits.tolist() == [0, 1, 4, 4, 4]
    assert items.values.tolist() == [7, 8, 6, 5]
    assert timestamps.tolist() == [5, 20, 30, 40]


def test_histories_are_the_latest_and_requests_come_when_the_split_asks() -> None:
    contexts = user_contexts(make_events(ROWS), 3, settings("random", length=2))
    assert contexts.seen.values.tolist() == [7, 8, 6, 5]
    assert contexts.histories.values.tolist() == [7, 6, 5]
    assert contexts.histories.row_splits.tolist() == [0, 1, 3, 3, 3]
    assert contexts.timestamps.tolist() == [5, 40, 99, 99]
    assert user_contexts(make_events(ROWS), 3, settings("time", length=2)).timestamps.tolist() == [99] * 4
