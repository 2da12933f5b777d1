import numpy as np
import pytest

from recommender.training.blend import choose_weight, relative_width, score_width


def test_the_middle_of_the_weights_as_good_as_the_best_is_chosen() -> None:
    weights = [0.0, 0.5, 1.0, 2.0, 3.0]
    assert choose_weight(weights, [0.2, 0.2597, 0.26, 0.2598, 0.25]) == 1.0
    assert choose_weight(weights, [0.2, 0.259, 0.26, 0.2598, 0.25]) == 2.0
    assert choose_weight(weights, [0.2, 0.2597, 0.26, 0.2598, 0.2601]) == 2.0
    assert choose_weight(weights, [0.2, 0.2597, 0.26, 0.259, 0.25]) == 1.0
    assert choose_weight([0.0, 1.0], [0.2, 0.2]) == 1.0


def test_what_is_not_a_number_is_never_chosen() -> None:
    assert choose_weight([0.0, 1.0], [np.nan, 0.2]) == 1.0


def test_relative_width_is_that_of_the_rows() -> None:
    rows = np.array([[0.0, 2.0], [5.0, 9.0]])
    assert relative_width(score_width(rows + 7), rows / 4) == pytest.approx(4.0)
    assert relative_width(1.0, np.ones([2, 2])) == 0.0
