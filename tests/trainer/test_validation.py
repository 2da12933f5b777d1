import numpy as np
import pytest

from components.models.inputs import Events, Ragged
from components.trainer.validation import cut_validation, latest_histories, ndcg, seen_items

NUM_USERS, NUM_ITEMS = 30, 40


def make_events(rows: list[tuple[int, int, float, int]], histories: list[list[int]] | None = None) -> Events:
    user, item, rating, timestamp = (np.array(column) for column in zip(*rows, strict=True))
    histories = [[] for _ in rows] if histories is None else histories
    splits = np.concatenate([[0], np.cumsum([len(history) for history in histories])])
    items = np.array([item for history in histories for item in history], np.int32)
    return Events(
        user.astype(np.int32),
        item.astype(np.int32),
        rating.astype(np.float32),
        timestamp.astype(np.int64),
        Ragged(items, splits),
        Ragged(items.astype(np.float32) / 10, splits),
    )


@pytest.fixture
def events() -> Events:
    rng = np.random.default_rng(0)
    pairs = [(user, int(item)) for user in range(NUM_USERS) for item in rng.choice(NUM_ITEMS, 12, replace=False)]
    histories = [[item for other, item in pairs if other == user and item != own] for user, own in pairs]
    return make_events([(*pair, 3.0, time) for time, pair in enumerate(pairs)], histories)


def rows_of(events: Events) -> list[list[int]]:
    return [part.tolist() for part in np.split(events.history.values, events.history.row_splits[1:-1])]


def test_a_random_cut_divides_the_events_and_strips_the_histories(events: Events) -> None:
    fitted, held_out = cut_validation(events, 0.2, "random", seed=3)
    pairs = [set(zip(part.user.tolist(), part.item.tolist(), strict=True)) for part in (events, fitted, held_out)]
    assert pairs[1] | pairs[2] == pairs[0] and not pairs[1] & pairs[2]
    assert 0.13 < len(pairs[2]) / len(pairs[0]) < 0.27
    for user, item, history in zip(fitted.user, fitted.item, rows_of(fitted), strict=True):
        expected = [other for u, other in zip(fitted.user, fitted.item, strict=True) if u == user and other != item]
        assert history == expected
    assert fitted.history_rating.values == pytest.approx(fitted.history.values / 10)
    assert fitted.history_rating.row_splits.tolist() == fitted.history.row_splits.tolist()


def test_a_random_cut_depends_on_the_seed_and_not_on_the_order(events: Events) -> None:
    def held_out(seed: int, rows: np.ndarray) -> set[tuple[int, int]]:
        shuffled = events._replace(user=events.user[rows], item=events.item[rows])
        cut = cut_validation(shuffled, 0.2, "random", seed).held_out
        return set(zip(cut.user.tolist(), cut.item.tolist(), strict=True))

    order = np.arange(len(events.user))
    assert held_out(1, order) == held_out(1, order[::-1])
    assert held_out(1, order) != held_out(2, order)


def test_a_cut_by_time_holds_out_the_latest_and_keeps_the_histories(events: Events) -> None:
    order = np.random.default_rng(1).permutation(len(events.user))
    shuffled = events._replace(timestamp=order)
    fitted, held_out = cut_validation(shuffled, 0.25, "time", seed=3)
    assert len(held_out.user) == 90 and len(fitted.user) == 270
    assert fitted.timestamp.max() < held_out.timestamp.min()
    assert np.diff(fitted.history.row_splits).tolist() == [11] * 270


def test_a_cut_by_time_leaves_out_later_repeats_of_what_was_fitted() -> None:
    events = make_events([(0, 1, 3.0, 1), (0, 2, 3.0, 2), (1, 1, 3.0, 3), (0, 1, 5.0, 4), (1, 2, 3.0, 5)])
    fitted, held_out = cut_validation(events, 0.4, "time", seed=3)
    assert list(zip(fitted.user, fitted.item, strict=True)) == [(0, 1), (0, 2), (1, 1)]
    assert list(zip(held_out.user, held_out.item, strict=True)) == [(1, 2)]


def test_latest_histories() -> None:
    events = make_events([(1, 5, 2.0, 30), (1, 6, 3.0, 10), (0, 7, 4.0, 5), (1, 8, 5.0, 20), (2, 9, 1.0, 1)])
    histories = latest_histories(events, num_users=2, length=2)
    assert histories.items.values.tolist() == [7, 8, 5]
    assert histories.ratings.values.tolist() == [4.0, 5.0, 2.0]
    assert histories.items.row_splits.tolist() == [0, 1, 3, 3]


def test_seen_items_are_all_and_once() -> None:
    events = make_events([(1, 5, 2.0, 30), (1, 6, 3.0, 10), (1, 5, 4.0, 5), (0, 2, 1.0, 1), (2, 9, 1.0, 1)])
    seen = seen_items(events, num_users=2)
    assert seen.values.tolist() == [2, 5, 6]
    assert seen.row_splits.tolist() == [0, 1, 3, 3]


def test_ndcg_by_hand() -> None:
    queries = np.array([[1.0], [-1.0], [0.0]], np.float32)
    candidates = np.array([[4.0], [3.0], [3.0], [1.0]], np.float32)
    seen = Ragged(np.array([0], np.int32), np.array([0, 1, 1, 1]))
    # User 0, without item 0: 1 and 2 tie at rank 1.5. User 1: items 1 and 2 tie behind 3; 4 is an unknown item.
    held_out = make_events([(0, 1, 3.0, 1), (0, 3, 3.0, 1), (1, 3, 3.0, 1), (1, 1, 3.0, 1), (1, 4, 3.0, 1)])
    gains = [1 / np.log2(2.5), 1 / np.log2(4), 1, 1 / np.log2(3.5), 0]
    assert ndcg(queries, candidates, seen, held_out) == pytest.approx(np.mean(gains))


def test_ndcg_of_scores_that_are_not_numbers_is_that_of_the_last_rank() -> None:
    nothing = Ragged(np.array([], np.int32), np.zeros(2, np.int64))
    value = ndcg(np.array([[np.nan]]), np.ones([9, 1]), nothing, make_events([(0, 1, 3.0, 1)]))
    assert value <= 1 / np.log2(1 + 9)
