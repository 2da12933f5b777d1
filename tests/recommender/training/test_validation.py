import numpy as np
import pytest

from recommender.interactions.inputs import Events, Ragged
from recommender.training.validation import NdcgMeasure, cut_validation
from schemas.errors import DataError

NUM_USERS, NUM_ITEMS = 30, 40


def make_events(rows: list[tuple[int, int, float, int]]) -> Events:
    user, item, rating, timestamp = (np.array(column) for column in zip(*rows, strict=True))
    return Events(user.astype(np.int32), item.astype(np.int32), rating.astype(np.float32), timestamp.astype(np.int64))


@pytest.fixture
def events() -> Events:
    rng = np.random.default_rng(0)
    pairs = [(user, int(item)) for user in range(NUM_USERS) for item in rng.choice(NUM_ITEMS, 12, replace=False)]
    return make_events([(*pair, 3.0, time) for time, pair in enumerate(pairs)])


def test_a_random_cut_divides_the_events(events: Events) -> None:
    fitted, held_out = cut_validation(events, 0.2, "random", seed=3)
    pairs = [set(zip(part.user.tolist(), part.item.tolist(), strict=True)) for part in (events, fitted, held_out)]
    assert pairs[1] | pairs[2] == pairs[0] and not pairs[1] & pairs[2]
    assert 0.13 < len(pairs[2]) / len(pairs[0]) < 0.27


def test_a_random_cut_depends_on_the_seed_and_not_on_the_order(events: Events) -> None:
    def held_out(seed: int, rows: np.ndarray) -> set[tuple[int, int]]:
        shuffled = events._replace(user=events.user[rows], item=events.item[rows])
        cut = cut_validation(shuffled, 0.2, "random", seed).held_out
        return set(zip(cut.user.tolist(), cut.item.tolist(), strict=True))

    order = np.arange(len(events.user))
    assert held_out(1, order) == held_out(1, order[::-1])
    assert held_out(1, order) != held_out(2, order)


def test_a_cut_by_time_holds_out_the_latest(events: Events) -> None:
    order = np.random.default_rng(1).permutation(len(events.user))
    shuffled = events._replace(timestamp=order)
    fitted, held_out = cut_validation(shuffled, 0.25, "time", seed=3)
    assert len(held_out.user) == 90 and len(fitted.user) == 270
    assert fitted.timestamp.max() < held_out.timestamp.min()


def test_a_cut_by_time_leaves_out_later_repeats_of_what_was_fitted() -> None:
    events = make_events([(0, 1, 3.0, 1), (0, 2, 3.0, 2), (1, 1, 3.0, 3), (0, 1, 5.0, 4), (1, 2, 3.0, 5)])
    fitted, held_out = cut_validation(events, 0.4, "time", seed=3)
    assert list(zip(fitted.user, fitted.item, strict=True)) == [(0, 1), (0, 2), (1, 1)]
    assert list(zip(held_out.user, held_out.item, strict=True)) == [(1, 2)]


@pytest.mark.parametrize("method", ["random", "time"])
def test_of_two_events_one_is_held_out(method: str) -> None:
    fitted, held_out = cut_validation(make_events([(0, 1, 3.0, 1), (0, 2, 3.0, 2)]), 0.1, method, seed=3)
    assert len(fitted.user) == len(held_out.user) == 1


def test_refuses_too_few_events() -> None:
    with pytest.raises(DataError, match="they leave 0 to fit and 1, repeats left out"):
        cut_validation(make_events([(0, 1, 3.0, 1)]), 0.1, "random", seed=3)
    with pytest.raises(DataError, match="leave 2 to fit and 0, repeats left out, to stop by; give more data"):
        cut_validation(make_events([(0, 1, 3.0, 1), (0, 2, 3.0, 2), (0, 1, 4.0, 3)]), 0.3, "time", seed=3)


def test_ndcg_by_hand() -> None:
    queries = np.array([[1.0], [-1.0], [0.0]], np.float32)
    candidates = np.array([[4.0], [3.0], [3.0], [1.0]], np.float32)
    seen = Ragged(np.array([0, 0], np.int32), np.array([0, 1, 2, 2]))
    # User 0, without item 0: 1 and 2 tie at rank 1.5. User 1: items 1 and 2 tie behind 3; 4 is an unknown item.
    held_out = make_events([(0, 1, 3.0, 1), (0, 3, 3.0, 1), (1, 3, 3.0, 1), (1, 1, 3.0, 1), (1, 4, 3.0, 1)])
    gains = [1 / np.log2(2.5), 1 / np.log2(4), 1, 1 / np.log2(3.5), 0]
    assert NdcgMeasure(seen, held_out, seed=0)(queries, candidates) == pytest.approx(np.mean(gains))


def test_ndcg_of_scores_that_are_not_numbers_is_that_of_the_last_rank() -> None:
    nothing = Ragged(np.array([], np.int32), np.zeros(2, np.int64))
    measure = NdcgMeasure(nothing, make_events([(0, 1, 3.0, 1)]), seed=0)
    assert measure(np.array([[np.nan]]), np.ones([9, 1])) <= 1 / np.log2(1 + 9)


def test_ndcg_leaves_out_users_without_events_unless_there_are_no_others() -> None:
    queries, candidates = np.array([[1.0], [-1.0]]), np.array([[2.0], [1.0]])
    held_out = make_events([(0, 0, 3.0, 1), (1, 0, 3.0, 1)])
    seen = Ragged(np.array([9], np.int32), np.array([0, 0, 1, 1]))
    nobody = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    candidates = np.concatenate([candidates, np.zeros([8, 1])])
    assert NdcgMeasure(seen, held_out, 0)(queries, candidates) == pytest.approx(1 / np.log2(1 + 9))
    assert NdcgMeasure(nobody, held_out, 0)(queries, candidates) == pytest.approx((1 + 1 / np.log2(1 + 10)) / 2)
