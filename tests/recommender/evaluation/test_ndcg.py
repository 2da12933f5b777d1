import numpy as np
import pytest

from recommender.evaluation import ndcg
from recommender.evaluation.ndcg import NdcgMeasure
from recommender.interactions.ragged import Ragged


def test_ndcg_by_hand() -> None:
    queries = np.array([[1.0], [-1.0], [0.0]], np.float32)
    candidates = np.array([[4.0], [3.0], [3.0], [1.0]], np.float32)
    seen = Ragged(np.array([0, 0], np.int32), np.array([0, 1, 2, 2]))
    # User 0, without item 0: 1 and 2 tie at rank 1.5. User 1: items 1 and 2 tie behind 3; 4 is an unknown item.
    users, items = np.array([0, 0, 1, 1, 1]), np.array([1, 3, 3, 1, 4])
    gains = [1 / np.log2(2.5), 1 / np.log2(4), 1, 1 / np.log2(3.5), 0]
    assert NdcgMeasure(seen, users, items, 4, seed=0)(queries[:2], candidates) == pytest.approx(np.mean(gains))


def test_the_gain_of_an_unknown_item_is_0() -> None:
    queries, candidates = np.ones((3, 1), np.float32), np.array([[4.0], [3.0], [2.0], [1.0]], np.float32)
    nothing = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    measure = NdcgMeasure(nothing, np.array([0, 1, 2]), np.array([4, 1, 0]), 4, seed=0)
    assert measure(queries, candidates) == pytest.approx((0 + 1 / np.log2(3) + 1) / 3)


def test_sums_of_scores_are_measured_like_the_vectors_that_give_them() -> None:
    generator = np.random.default_rng(0)
    (first, second), (one, other) = generator.normal(size=(2, 6, 3)), generator.normal(size=(2, 9, 3))
    seen = Ragged(np.arange(6, dtype=np.int32), np.arange(7))
    measure = NdcgMeasure(seen, np.arange(6), np.arange(1, 7), 9, seed=0)
    values = measure.along((first, one), (second, other), [0.0, 0.5, 2.0])
    for weight, value in zip([0.0, 0.5, 2.0], values, strict=True):
        joined = np.concatenate([first, weight * second], axis=1), np.concatenate([one, other], axis=1)
        assert value == pytest.approx(measure(*joined))


def test_ndcg_of_scores_that_are_not_numbers_is_that_of_the_last_rank() -> None:
    nothing = Ragged(np.array([], np.int32), np.zeros(2, np.int64))
    measure = NdcgMeasure(nothing, np.array([0]), np.array([1]), 9, seed=0)
    assert measure(np.array([[np.nan]]), np.ones([9, 1])) <= 1 / np.log2(1 + 9)


def test_ndcg_leaves_out_users_without_events_unless_there_are_no_others() -> None:
    queries, candidates = np.array([[1.0], [-1.0]]), np.array([[2.0], [1.0]])
    users, items = np.array([0, 1]), np.array([0, 0])
    seen = Ragged(np.array([9], np.int32), np.array([0, 0, 1, 1]))
    nothing = Ragged(np.array([], np.int32), np.zeros(4, np.int64))
    candidates = np.concatenate([candidates, np.zeros([8, 1])])
    assert NdcgMeasure(seen, users, items, 10, 0)(queries[1:], candidates) == pytest.approx(1 / np.log2(1 + 9))
    assert NdcgMeasure(nothing, users, items, 10, 0)(queries, candidates) == pytest.approx(
        (1 + 1 / np.log2(1 + 10)) / 2
    )


def test_a_large_catalogue_is_measured_on_fewer_events_and_their_users_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ndcg, "_EVENTS", (3, 20))
    monkeypatch.setattr(ndcg, "_MOST_CELLS", 30)
    seen = Ragged(np.arange(20, dtype=np.int32) % 10, np.arange(21))
    measure = NdcgMeasure(seen, np.arange(20), np.full(20, 9), 10, seed=0)
    assert len(measure.users) == 3 and list(measure.users) == sorted(measure.users)
    queries, candidates = np.arange(20.0)[measure.users, np.newaxis] - 9.5, np.arange(10.0)[:, np.newaxis]
    # Item 9 comes first for users whose number is above 9.5, else last; each has seen one of the ten.
    last = [10 if seen.values[user] == 9 else 9 for user in measure.users]
    gains = [1 if user > 9.5 else 1 / np.log2(1 + rank) for user, rank in zip(measure.users, last, strict=True)]
    assert measure(queries, candidates) == pytest.approx(np.mean(gains))
