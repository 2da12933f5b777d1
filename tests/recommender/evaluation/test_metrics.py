import math

import numpy as np
import pytest

from recommender.evaluation import metrics
from schemas.metrics import METRICS


def _of(*examples: tuple[float, float, float, float, float]) -> dict[str, float]:
    rank, popularity_rank, rating, bias_rating, label = np.array(examples, float).T
    added = metrics.contributions(rank, popularity_rank, rating, bias_rating, label)
    return {name: float(value) for name, value in metrics.from_means(added.mean(axis=0)).items()}


def test_hand_worked_numbers():
    # Ranks 1 and 3.5 under the model, 7 and 200 under popularity; errors 1 and -2, under bias 0 and -3.
    values = _of((1, 7, 4.0, 3.0, 3.0), (3.5, 200, 1.0, 0.0, 3.0))
    assert values["top_1_accuracy"] == 0.5
    assert values["top_5_accuracy"] == 1.0
    assert values["mrr"] == pytest.approx((1 + 1 / 3.5) / 2)
    assert values["ndcg_at_10"] == pytest.approx((1 + 1 / math.log2(4.5)) / 2)
    assert values["popularity_top_5_accuracy"] == 0.0
    assert values["popularity_top_10_accuracy"] == 0.5
    assert values["popularity_top_100_accuracy"] == 0.5
    assert values["popularity_ndcg_at_10"] == pytest.approx(1 / 3 / 2)
    assert values["rmse"] == pytest.approx(math.sqrt(2.5))
    assert values["mae"] == 1.5
    assert values["bias_rmse"] == pytest.approx(math.sqrt(4.5))
    assert values["lift_over_bias"] == pytest.approx(math.sqrt(4.5) - math.sqrt(2.5))
    assert values["lift_over_popularity"] == pytest.approx(values["ndcg_at_10"] - 1 / 6)


def test_metrics_of_ratings_are_those_of_the_events_with_one():
    some = _of((1, 7, 4.0, 3.0, 3.0), (3.5, 200, 9.0, 9.0, math.nan), (2, 3, 1.0, 0.0, 3.0))
    assert some["rmse"] == pytest.approx(math.sqrt(2.5)) and some["mae"] == 1.5
    assert some["bias_rmse"] == pytest.approx(math.sqrt(4.5)) and some["mrr"] == pytest.approx(
        (1 + 1 / 3.5 + 1 / 2) / 3
    )
    none = _of((1, 7, 4.0, 3.0, math.nan))
    assert math.isnan(none["rmse"]) and math.isnan(none["lift_over_bias"]) and none["mrr"] == 1.0


def test_without_predicted_ratings_only_ranks_are_measured():
    found = metrics.from_means(metrics.contributions(np.array([1.0, 2.0]), np.array([2.0, 2.0])).mean(axis=0))
    assert set(METRICS) - set(found) == {"rmse", "mae", "bias_rmse", "bias_mae", "lift_over_bias"}
    assert found["mrr"] == 0.75


def test_a_cut_off_includes_its_rank_and_not_the_next():
    at, after = _of((10, 1, 3, 3, 3)), _of((10.5, 1, 3, 3, 3))
    assert (at["top_10_accuracy"], after["top_10_accuracy"]) == (1.0, 0.0)
    assert at["ndcg_at_10"] == pytest.approx(1 / math.log2(11))
    assert after["ndcg_at_10"] == 0.0


def test_every_metric_of_the_table_is_computed_and_no_other():
    assert set(_of((1, 1, 3, 3, 3))) == set(METRICS)
