import numpy as np
import pytest

from recommender.models.biases import fit_biases


def test_biases_by_hand() -> None:
    # Mean 3. Item 0: deviations 2, 0 -> 2 / (2 + 5); item 1: -2 -> -2 / (1 + 5).
    # What is left: user 0: 2 - 2/7, -2 + 1/3; user 1: 0 - 2/7.
    biases = fit_biases(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 1.0, 3.0]), 2, 3)
    assert biases.mean == 3.0
    assert biases.item == pytest.approx([2 / 7, -1 / 3, 0, 0])
    assert biases.user == pytest.approx([(2 - 2 / 7 - 2 + 1 / 3) / 7, (-2 / 7) / 6, 0])
    assert biases.predict(np.array([1, 2]), np.array([1, 3])) == pytest.approx([3 - 2 / 42 - 1 / 3, 3])


def test_unknown_users_and_items_have_no_bias_even_if_rated() -> None:
    biases = fit_biases(np.array([0, 1]), np.array([1, 0]), np.array([5.0, 1.0]), 1, 1)
    assert biases.user[-1] == biases.item[-1] == 0.0


def test_no_rating_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one rating"):
        fit_biases(np.array([], int), np.array([], int), np.array([]), 1, 1)
