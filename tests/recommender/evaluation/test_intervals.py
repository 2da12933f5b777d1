import numpy as np
import pytest

from recommender.evaluation.intervals import jackknife_over_users, mean_over_users


def test_users_of_one_event_give_the_interval_of_independent_draws() -> None:
    values = np.array([0.0, 1, 0, 1])
    found = mean_over_users(values, np.arange(4))
    error = np.std(values, ddof=1) / 2
    assert found.value == 0.5 and found.upper - found.value == pytest.approx(1.959964 * error)


def test_users_of_unequal_numbers_of_events_by_hand() -> None:
    # Mean 1/2; sums of deviations 1, -1/2, -1/2; 3/2 * 1.5 / 16 = 0.140625, whose root is 0.375.
    found = mean_over_users(np.array([1.0, 1.0, 0.0, 0.0]), np.array([5, 5, 6, 7]))
    assert found == pytest.approx((0.5, 0.5 - 1.959964 * 0.375, 0.5 + 1.959964 * 0.375))


def test_a_users_events_count_as_one_draw() -> None:
    values, users = np.array([0.0, 0, 1, 1]), np.array([7, 7, 9, 9])
    found = mean_over_users(values, users)
    # Two clusters whose sums of deviations are -1 and 1: sqrt(2 / 1 * 2) / 4.
    assert found.upper - found.value == pytest.approx(1.959964 * 0.5)
    assert np.isnan(mean_over_users(values, np.zeros(4)).lower) and np.isnan(
        mean_over_users(np.zeros(0), users[:0]).value
    )


def test_the_jackknife_of_a_mean_is_that_of_the_formula() -> None:
    rng = np.random.default_rng(0)
    values, users = rng.normal(size=(900, 1)), np.repeat(np.arange(300), 3)
    found = jackknife_over_users(values, users, lambda means: {"mean": means[..., 0]})["mean"]
    assert found == pytest.approx(mean_over_users(values[:, 0], users), abs=1e-9)


def test_the_jackknife_of_a_root_covers_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        squares, users = rng.normal(size=(200, 1)) ** 2, np.repeat(np.arange(100), 2)
        found = jackknife_over_users(squares, users, lambda means: {"rms": np.sqrt(means[..., 0])})["rms"]
        hits += found.lower < 1 < found.upper
    assert 0.90 < hits / 300 < 0.99
    assert np.isnan(jackknife_over_users(squares, np.zeros(200), lambda means: {"rms": means[..., 0]})["rms"].upper)
