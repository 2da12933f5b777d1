from collections import Counter, defaultdict

import numpy as np
import pytest

from recommender.interactions.interactions import Interactions
from recommender.training import queries as queries_file
from recommender.training.queries import QueryBatches
from small_interactions import interactions

COUNTS = [1, 4, 0, 23, 12, 0]  # the last row is the unknown user's


@pytest.fixture
def users() -> Interactions:
    """Item i of user u is 100 u + i, at 1,000 u + 10 i."""
    user = np.repeat(np.arange(len(COUNTS)), COUNTS)
    items = np.concatenate([100 * user + np.arange(count) for user, count in enumerate(COUNTS)])
    times = np.concatenate([1_000 * user + 10 * np.arange(count) for user, count in enumerate(COUNTS)])
    return interactions(user, items, 1.0, times, num_users=len(COUNTS) - 1)


def queries(users: Interactions, kind: str, length: int = 100, seed: int = 0) -> list[tuple[int, int, list, list]]:
    batches = QueryBatches(users, kind, parts=4, history_length=length, batch_size=3, seed=seed).dataset()
    return [
        (int(user), int(time), history.numpy().tolist(), items.numpy().tolist())
        for batch in batches
        for user, time, history, items in zip(
            *(batch[name] for name in ("user_index", "timestamp", "history_index", "item_index")), strict=True
        )
    ]


@pytest.mark.parametrize("kind", ["scattered", "blocks"])
def test_each_item_is_asked_for_once_from_all_the_others(users: Interactions, kind: str) -> None:
    asked: dict[int, Counter] = defaultdict(Counter)
    for user, _, history, items in queries(users, kind):
        everything = [100 * user + place for place in range(COUNTS[user])]
        assert items and sorted(history + items) == everything
        assert history == sorted(history)  # oldest first
        asked[user].update(items)
    assert {user: len(items) for user, items in asked.items()} == {0: 1, 1: 4, 3: 23, 4: 12}
    assert all(set(items.values()) == {1} for items in asked.values())


def test_blocks_are_stretches_of_at_least_five_that_begin_at_the_request(users: Interactions) -> None:
    sizes = Counter()
    for user, time, _, items in queries(users, "blocks"):
        assert items == list(range(items[0], items[0] + len(items)))
        assert time == 1_000 * user + 10 * (items[0] - 100 * user)
        sizes[user, len(items)] += 1
    # 23 items in stretches of six, of which the first and the last may be cut short by the offset.
    assert sizes[3, 6] >= 2 and max(size for user, size in sizes if user == 3) == 6
    assert max(size for user, size in sizes if user == 4) == 5


def test_scattered_requests_are_made_at_the_mean_time_of_what_is_asked_for(users: Interactions) -> None:
    for user, time, _, items in queries(users, "scattered"):
        assert time == 1_000 * user + int(np.mean([10 * (item - 100 * user) for item in items]))


def test_histories_keep_the_latest(users: Interactions) -> None:
    for user, _, history, items in queries(users, "scattered", length=3):
        rest = [100 * user + place for place in range(COUNTS[user]) if 100 * user + place not in items]
        assert history == rest[-3:]


@pytest.mark.parametrize("kind", ["scattered", "blocks"])
def test_every_epoch_has_the_same_number_of_batches(kind: str) -> None:
    """Also if the number of queries, which is random, is close to a multiple of the batch size."""
    users = interactions(np.arange(108) // 9, np.arange(108), 1.0, np.arange(108))
    for batch_size in range(2, 40):
        batches = QueryBatches(users, kind, parts=4, history_length=9, batch_size=batch_size, seed=0)
        epochs = [[len(batch["user_index"]) for batch in batches.dataset()] for _ in range(2)]
        assert [len(sizes) for sizes in epochs] == [batches.num_batches] * 2
        assert min(min(sizes) for sizes in epochs) > 0


def test_parts_and_order_depend_on_the_seed_and_on_the_epoch(users: Interactions) -> None:
    assert queries(users, "scattered", seed=1) == queries(users, "scattered", seed=1)
    assert queries(users, "scattered", seed=1) != queries(users, "scattered", seed=2)
    batches = QueryBatches(users, "scattered", 4, 100, 100, seed=0).dataset()
    first, second = ([batch["item_index"].to_list() for batch in batches] for _ in range(2))
    assert first != second


def test_weights_come_with_the_items_to_predict_if_they_differ(users: Interactions) -> None:
    """The weight of item i is i + 1."""
    weighted = interactions(users.user, users.item, None, users.timestamp, 5, weight=users.item + 1)
    [batch] = QueryBatches(weighted, "scattered", 4, 100, batch_size=100, seed=0).dataset()
    assert batch["weight"].to_list() == [[item + 1 for item in row] for row in batch["item_index"].to_list()]
    [batch] = QueryBatches(users, "scattered", 4, 100, batch_size=100, seed=0).dataset()
    assert "weight" not in batch


def test_an_epoch_of_many_batches_has_larger_ones_if_queries_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries_file, "_BATCHES", 10)
    short = interactions(np.arange(960) // 2, np.arange(960), 1.0, np.arange(960))  # a query of two for each user
    long = interactions(np.arange(960) // 40, np.arange(960), 1.0, np.arange(960))  # 4 or 5 queries of ten
    assert QueryBatches(short, "blocks", 4, 9, batch_size=3, seed=0).num_batches == 40  # of 24 items, not 160 of 6
    assert QueryBatches(long, "blocks", 4, 9, batch_size=3, seed=0).num_batches > 30  # of three queries
    assert QueryBatches(short, "blocks", 4, 9, batch_size=100, seed=0).num_batches < 10  # of 100 queries
