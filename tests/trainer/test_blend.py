import numpy as np
import pytest

from components.trainer.blend import choose_weight, relative_width


def test_a_larger_weight_must_gain_more_than_chance() -> None:
    values = {0.0: 0.2, 0.5: 0.2005, 1.0: 0.25, 2.0: 0.2509}
    assert choose_weight(values.__getitem__, list(values)) == 1.0
    assert choose_weight(lambda weight: 0.2, [0.0, 1.0]) == 0.0


def test_what_is_not_a_number_is_never_chosen() -> None:
    assert choose_weight(lambda weight: np.nan if weight else 0.2, [0.0, 1.0]) == 0.0


def test_relative_width_is_that_of_the_rows() -> None:
    rows = np.array([[0.0, 2.0], [5.0, 9.0]])
    assert relative_width(rows + 7, rows / 4) == pytest.approx(4.0)
    assert relative_width(rows, np.ones([2, 2])) == 0.0
