import numpy as np
import pytest

from recommender.interactions.interactions import Interactions
from recommender.training.neighbours import NeighbourBatches
from schemas.errors import DataError
from small_interactions import interactions


def make_events(*rows: tuple[int, int, int]) -> Interactions:
    user, item, timestamp = np.array(rows, np.int64).T
    return interactions(user, item, 1.0, timestamp, num_users=3, num_items=30)


def pairs(batches: NeighbourBatches, epochs: int = 10) -> set[tuple[int, int]]:
    found = set()
    for _ in range(epochs):
        for items, neighbours in batches.dataset():
            rows = zip(items.numpy().tolist(), neighbours.to_list(), strict=True)
            found |= {(item, neighbour) for item, others in rows for neighbour in others}
    return found


def test_neighbours_are_within_the_window_and_of_the_same_user() -> None:
    """User 0 has items 0 to 9 in this order, user 1 items 10 to 14, user 2 item 15 alone."""
    rows = [(0, item, 100 + item) for item in range(10)] + [(1, item, item) for item in range(10, 15)] + [(2, 15, 0)]
    order = np.random.default_rng(0).permutation(len(rows))
    batches = NeighbourBatches(make_events(*(rows[place] for place in order)), 2, 4, 1)
    stretches = (range(10), range(10, 15))
    expected = {(a, b) for own in stretches for a in own for b in own if 1 <= abs(a - b) <= 2}
    assert pairs(batches) == expected
    assert batches.num_batches == 4  # 15 events, 4 at a time


def test_every_event_asks_once_an_epoch_and_always_for_the_nearest() -> None:
    batches = NeighbourBatches(make_events(*((0, item, item) for item in range(6))), 3, 2, 1)
    rows = [
        (item, others)
        for items, neighbours in batches.dataset()
        for item, others in zip(items.numpy().tolist(), neighbours.to_list(), strict=True)
    ]
    assert sorted(item for item, _ in rows) == list(range(6))
    for item, others in rows:
        assert {item - 1, item + 1} & set(range(6)) <= set(others) and item not in others


def test_a_repeat_counts_once_at_the_place_of_its_later_event() -> None:
    events = make_events((0, 4, 1), (0, 5, 2), (0, 6, 3), (0, 4, 4))
    assert pairs(NeighbourBatches(events, 1, 8, 1)) == {(5, 6), (6, 5), (6, 4), (4, 6)}


def test_what_happened_at_the_same_second_is_not_in_the_order_of_ids() -> None:
    events = make_events(*((0, item, 7) for item in range(30)))
    distances = [abs(a - b) for a, b in pairs(NeighbourBatches(events, 1, 8, 1))]
    assert np.mean(distances) > 5  # by id it would be 1, by chance it is 10


def test_refuses_events_without_a_pair() -> None:
    with pytest.raises(DataError, match=r"at least two items.*3 events.*item_tower"):
        NeighbourBatches(make_events((0, 1, 1), (1, 1, 1), (2, 2, 1)), 5, 8, 1)
