import numpy as np
import pytest

from recommender.interactions.interactions import Interactions
from recommender.training.rating_batches import RatingBatches, UserRatings
from small_interactions import interactions

NUM_USERS, NUM_ITEMS, LENGTH = 7, 12, 4
Row = tuple[int, int, float, int]


@pytest.fixture
def events() -> Interactions:
    """All times differ; user 6 is silent, user 0 has one event; some pairs come twice."""
    rng = np.random.default_rng(0)
    user = np.concatenate([[0], rng.integers(1, 6, 60), [NUM_USERS, 1]]).astype(np.int32)
    item = np.concatenate([[3], rng.integers(0, NUM_ITEMS, 60), [3, NUM_ITEMS]]).astype(np.int32)
    times = rng.permutation(len(user)).astype(np.int64)
    # A rating identifies its event.
    return interactions(user, item, times / 10, times, num_users=NUM_USERS, num_items=NUM_ITEMS).known


def rows_of(events: Interactions) -> list[Row]:
    columns = (events.user, events.item, events.rating, events.timestamp)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def expected_history(rows: list[Row], row: Row, method: str) -> tuple[list[int], list[float]]:
    """Said plainly: the user's others, the latest of them, without the same item."""
    users = sorted((other for other in rows if other[0] == row[0]), key=lambda other: other[3])
    if method == "time":
        users = [other for other in users if other[3] < row[3]]
    others = [other for other in users if other is not row][-LENGTH:]
    kept = [other for other in others if other[1] != row[1]]
    return [other[1] for other in kept], [other[2] for other in kept]


@pytest.mark.parametrize("method", ["random", "time"])
def test_an_epoch_holds_each_event_once_and_never_in_its_own_history(events: Interactions, method: str) -> None:
    batches = RatingBatches(UserRatings(events), LENGTH, method, batch_size=8, seed=1)
    rows = rows_of(events)
    found = []
    for batch in batches.dataset():
        columns = [batch[name].numpy() for name in ("user_index", "item_index", "rating", "timestamp")]
        histories = zip(batch["history_index"].to_list(), batch["history_rating"].to_list(), strict=True)
        for time, (items, ratings) in zip(columns[3].tolist(), histories, strict=True):
            (row,) = [row for row in rows if row[3] == time]
            assert (items, ratings) == expected_history(rows, row, method)
        found += zip(*(column.tolist() for column in columns), strict=True)
    assert sorted(found) == sorted(rows) and batches.num_batches() == -(-len(rows) // 8)


def test_the_latest_events_of_users(events: Interactions) -> None:
    items, ratings = UserRatings(events).latest(np.array([0, 6, NUM_USERS, 2]), LENGTH)
    latest = sorted((row for row in rows_of(events) if row[0] == 2), key=lambda row: row[3])[-LENGTH:]
    assert items.to_list() == [[3], [], [], [row[1] for row in latest]]
    assert ratings.to_list()[3] == [row[2] for row in latest]


def test_each_epoch_has_another_order_and_a_seed_gives_the_same(events: Interactions) -> None:
    def epochs() -> list[list[int]]:
        batches = RatingBatches(UserRatings(events), LENGTH, "random", 100, seed=1)
        dataset = batches.dataset()
        return [next(iter(dataset))["timestamp"].numpy().tolist() for _ in range(2)]

    first, second = epochs()
    assert first != second and epochs() == [first, second]
