import numpy as np
import pytest

from benchmarks.comparison import difference, interval
from benchmarks.measures import Measure


def test_a_difference_is_paired_by_user_and_of_the_means_over_seeds():
    ours = [Measure(np.array([0.2, 0.5]), np.ones(2)), Measure(np.array([0.4, 0.5]), np.ones(2))]
    peers = [Measure(np.array([0.1, 0.4]), np.ones(2))]
    found = difference(ours, peers)
    # The users' differences are 0.2 and 0.1: their mean is 0.15 and its standard error 0.05.
    assert found.value == pytest.approx(0.15)
    assert found.upper == pytest.approx(0.15 + 1.96 * 0.05, abs=1e-5)
    assert found.lower == pytest.approx(0.15 - 1.96 * 0.05, abs=1e-5)


def test_of_errors_the_root_is_compared():
    ours = [Measure(np.array([4.0, 4.0]), np.ones(2), is_root=True)]
    peers = [Measure(np.array([9.0, 9.0]), np.ones(2), is_root=True)]
    assert difference(ours, peers) == pytest.approx((-1, -1, -1))


def test_the_interval_of_an_error_agrees_with_leaving_out_users():
    rng = np.random.default_rng(3)
    ours, peers, counts = rng.random(400) * 9, rng.random(400) * 11, rng.integers(1, 20, 400)

    def value(kept: np.ndarray) -> float:
        first, second = (np.sqrt(sums[kept].sum() / counts[kept].sum()) for sums in (ours, peers))
        return first - second

    without = [value(np.arange(400) != user) for user in range(400)]
    half = 1.96 * np.sqrt(399 * np.var(without))
    found = difference([Measure(ours, counts, True)], [Measure(peers, counts, True)])
    assert found.value == pytest.approx(value(np.ones(400, bool)))
    assert found.upper - found.value == pytest.approx(half, rel=0.02)


def test_the_interval_of_a_value_is_that_of_a_mean():
    found = interval([Measure(np.array([0.0, 1.0]), np.ones(2))])
    assert found == pytest.approx((0.5, 0.5 - 1.96 * 0.5, 0.5 + 1.96 * 0.5), abs=1e-4)
