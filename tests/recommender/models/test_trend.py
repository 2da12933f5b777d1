import numpy as np
import pytest

from recommender.models.trend import popularity_trend

DAY = 86_400


def test_by_hand() -> None:
    items = np.array([0, 0, 1, 1])
    timestamps = np.array([0, 7, 7, 7]) * DAY
    old = np.exp(-1.0)
    weights = old + 3
    expected = [np.log((old + 1 + 3) / (2 * weights / 4 + 3)), np.log((2 + 3) / (2 * weights / 4 + 3)), 0.0]
    trend = popularity_trend(items, timestamps, num_items=3, days=7.0)
    assert trend == pytest.approx(np.array(expected), abs=1e-6)
    assert trend[0] < 0 < trend[1]


def test_unknown_items_do_not_count_and_nothing_new_is_no_trend() -> None:
    steady = popularity_trend(np.array([0, 1, 2]), np.array([5, 5, 5]), num_items=2, days=7.0)
    assert steady == pytest.approx([0, 0], abs=1e-6)
