import math

import numpy as np
import pytest

from recommender.evaluation.answers import Answers
from recommender.evaluation.held_out import HeldOut
from recommender.evaluation.judging import Baselines, Bounds, Measured, judge
from recommender.interactions.interactions import Interactions
from small_interactions import interactions

BOUNDS = Bounds((1, 3), (1, 2))
PAD = 4
"""Number of items; item 3 has no training event."""


@pytest.fixture
def train() -> Interactions:
    """User 0 has three events, user 1 one; item 0 has two."""
    return interactions([0, 0, 0, 1], [0, 1, 2, 0], 3.0, None, num_items=PAD)


@pytest.fixture
def held_out() -> HeldOut:
    """Of users 0 and 1, and of user 2, who is new; item 4 is unknown."""
    return HeldOut.of(interactions([0, 1, 1, 2, 2], [3, 1, 2, 0, 4], [5.0, 2.0, 4.0, 4.0, 1.0], None, 3, PAD), 0, 9)


def _lists(*rows: list[int]) -> np.ndarray:
    return np.array([[*row, *[PAD] * (100 - len(row))] for row in rows], np.int32)


@pytest.fixture
def answers() -> Answers:
    return Answers(
        recommended=_lists([3], [1, 3, 2], [0, 1]),
        retrieved=_lists([3], [2, 1, 3], [1, 0]),
        is_known=np.array([True, True, False]),
        rating=np.array([4.0, 2.0, 3.0, 4.0, 1.0]),
        rating_at_time=None,
    )


@pytest.fixture
def baselines() -> Baselines:
    lists = {"popularity_": _lists([3], [3, 1, 2], [0, 1]), "recency_popularity_": _lists([], [], [1, 0])}
    return Baselines(lists, np.array([3.0, 2.0, 3.0, 3.0, 1.0]))


def _judge(*arguments, other: Answers | None = None, scale=(1.0, 5.0)) -> dict[tuple[str, str], Measured]:
    return {(one.metric, one.slice): one for one in judge(*arguments, bounds=BOUNDS, scale=scale, other=other)}


@pytest.fixture
def found(held_out, answers, baselines, train) -> dict[tuple[str, str], Measured]:
    return _judge(held_out, answers, baselines, train)


IDEAL = 1 + 1 / math.log2(3)
SECOND = (1 + 1 / 2) / IDEAL
"""NDCG of user 1: items at the first and third place."""
THIRD = 1 / IDEAL
"""Of user 2, whose unknown item is never found."""


def test_lists_are_measured_per_user(found) -> None:
    assert found["ndcg_at_10", ""].interval.value == pytest.approx((1 + SECOND + THIRD) / 3)
    assert found["recall_at_100", ""].interval.value == pytest.approx((1 + 1 + 0.5) / 3)
    assert found["event_top_1_accuracy", ""].interval.value == pytest.approx(3 / 5)
    assert found["retrieve_mrr", ""].interval.value == pytest.approx((1 + 1 + 0.5) / 3)
    assert found["evaluated_users", ""].interval.value == 3
    # Items rated 4 or more: user 0's, user 1's at the third place, user 2's first.
    assert found["liked_mrr", ""].interval.value == pytest.approx((1 + 1 / 3 + 1) / 3)
    assert found["liked_recall_at_10", ""].interval.value == 1.0


def test_the_lift_is_over_the_better_popularity_of_the_same_users(found) -> None:
    popular = (1 / math.log2(3) + 1 / 2) / IDEAL
    lift = found["lift_over_popularity", ""].interval
    assert lift.value == pytest.approx((SECOND - popular) / 3)
    assert lift.upper - lift.value == pytest.approx(1.959964 * np.std([0, SECOND - popular, 0], ddof=1) / math.sqrt(3))
    assert found["lift_over_popularity", "user=new"].interval.value == 0
    assert ("lift_over_neighbours", "") not in found


def test_slices_restrict_users_or_relevant_items(found) -> None:
    assert found["ndcg_at_10", "user=known"].interval.value == pytest.approx((1 + SECOND) / 2)
    assert found["ndcg_at_10", "user=new"].interval.value == pytest.approx(THIRD)
    assert found["evaluated_users", "user=new"].interval.value == 1
    assert found["ndcg_at_10", "user_activity=3+"].interval.value == 1
    assert found["ndcg_at_10", "user_activity=1-2"].interval.value == pytest.approx(SECOND)
    # Of user 2's items the unknown one is new; of user 1's none is.
    assert found["recall_at_10", "item=new"].interval.value == pytest.approx((1 + 0) / 2)
    assert found["mrr", "item_popularity=1"].interval.value == 1.0
    assert found["mrr", "item_popularity=2+"].interval.value == 1.0


def test_errors_are_compared_with_the_biases(found) -> None:
    assert found["rmse", ""].interval.value == pytest.approx(math.sqrt(2 / 5))
    assert found["mae", "user=known"].interval.value == pytest.approx(2 / 3)
    assert found["bias_rmse", ""].interval.value == pytest.approx(math.sqrt(6 / 5))
    lift = found["lift_over_bias", ""].interval
    assert lift.value == pytest.approx(math.sqrt(6 / 5) - math.sqrt(2 / 5)) and lift.lower < lift.value < lift.upper


def test_concentration_and_fallback_are_of_all_lists(found) -> None:
    assert found["coverage_at_10", ""].interval.value == 1.0
    assert found["top_item_share", ""].interval.value == pytest.approx(2 / 3)
    assert found["mean_popularity", ""].interval.value == pytest.approx((0 + 1 + 0 + 1 + 2 + 1) / 6)
    assert found["fallback_share", ""].interval.value == pytest.approx(1 / 3)
    assert ("coverage_at_10", "user=known") not in found


def test_another_model_is_compared_user_by_user(held_out, answers, baselines, train) -> None:
    rating = answers.rating + np.array([-1.0, 0, 0, 0, 0])
    other = answers._replace(recommended=_lists([], [1, 3, 2], [0, 1]), rating=rating)
    found = _judge(held_out, answers, baselines, train, other=other)
    change = found["ndcg_at_10", ""].change
    assert change.value == pytest.approx(1 / 3)
    assert change.upper - change.value == pytest.approx(1.959964 * np.std([1, 0, 0], ddof=1) / math.sqrt(3))
    assert found["retrieve_mrr", ""].change.value == 0
    assert found["rmse", ""].change.value == pytest.approx(math.sqrt(2 / 5) - math.sqrt(5 / 5))
    assert found["lift_over_popularity", ""].change is found["bias_rmse", ""].change is None


def test_errors_at_the_time_of_a_rating_are_of_the_events_with_a_time(answers, baselines, train) -> None:
    times = np.array([7, np.nan, 9, 10, 11])
    events = interactions([0, 1, 1, 2, 2], [3, 1, 2, 0, 4], [5.0, 2.0, 4.0, 4.0, 1.0], times, 3, PAD)
    held_out = HeldOut.of(events, 0, 9)
    at_time = np.where(held_out.is_timed, held_out.rating + 0.5, np.nan)
    found = _judge(held_out, answers._replace(rating_at_time=at_time), baselines, train)
    assert found["rmse_at_time", ""].interval.value == pytest.approx(0.5)
    assert found["rmse", ""].interval.value > 0.6


def test_without_ratings_there_are_only_lists(answers, baselines, train) -> None:
    held_out = HeldOut.of(interactions([0, 1, 1, 2, 2], [3, 1, 2, 0, 4], None, None, 3, PAD), 0, 9)
    found = _judge(held_out, answers._replace(rating=None), baselines._replace(rating=None), train, scale=None)
    metrics = {metric for metric, _ in found}
    assert "ndcg_at_10" in metrics and not any("liked" in name or "rmse" in name for name in metrics)
