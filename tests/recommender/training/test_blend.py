import numpy as np
import pytest

from recommender.training.blend import choose_weight, relative_width


def test_the_middle_of_the_weights_as_good_as_the_best_is_chosen() -> None:
    values = {0.0: 0.2, 0.5: 0.2597, 1.0: 0.26, 2.0: 0.2598, 3.0: 0.25}
    assert choose_weight(values.__getitem__, list(values)) == 1.0
    assert choose_weight((values | {0.5: 0.259}).__getitem__, list(values)) == 1.0
    assert choose_weight((values | {3.0: 0.2601}).__getitem__, list(values)) == 1.0
    assert choose_weight((values | {2.0: 0.259}).__getitem__, list(values)) == 0.5
    assert choose_weight(lambda weight: 0.2, [0.0, 1.0]) == 0.0


def test_what_is_not_a_number_is_never_chosen() -> None:
    assert choose_weight(lambda weight: 0.2 if weight else np.nan, [0.0, 1.0]) == 1.0


def test_relative_width_is_that_of_the_rows() -> None:
    rows = np.array([[0.0, 2.0], [5.0, 9.0]])
    assert relative_width(rows + 7, rows / 4) == pytest.approx(4.0)
    assert relative_width(rows, np.ones([2, 2])) == 0.0
