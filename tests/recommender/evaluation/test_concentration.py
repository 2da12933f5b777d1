import math

import numpy as np
import pytest

from recommender.evaluation.concentration import concentration


def test_by_hand() -> None:
    # Items 0, 1 and 2 are shown 3, 1 and 0 times to three users; 3 is padding.
    found = concentration(np.array([[0, 1], [0, 3], [0, 3]]), np.array([10, 2, 5]))
    assert found["coverage_at_10"] == pytest.approx(2 / 3)
    assert found["top_item_share"] == 1.0
    assert found["mean_popularity"] == pytest.approx((3 * 10 + 2) / 4)
    # The mean absolute difference of (3, 1, 0) over all pairs, 2 * (2 + 3 + 1) / 9, divided by twice the mean.
    assert found["gini_at_10"] == pytest.approx(2 * 6 / 9 / (2 * 4 / 3))


def test_only_the_first_ten_count_and_equal_shares_have_no_concentration() -> None:
    rows = np.array([[*range(10), 10], [*range(10, 0, -1), 0]])
    found = concentration(rows, np.ones(11))
    assert found["coverage_at_10"] == 1.0 and 0 < found["gini_at_10"] < 0.1
    even = concentration(np.arange(20).reshape(2, 10), np.ones(20))
    assert even["gini_at_10"] == pytest.approx(0) and even["top_item_share"] == 0.5


def test_nothing_shown_has_no_measure() -> None:
    assert all(math.isnan(value) for value in concentration(np.full((2, 3), 4), np.ones(4)).values())
