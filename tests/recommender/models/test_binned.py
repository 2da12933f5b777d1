import numpy as np
import pytest
import tensorflow as tf

from recommender.models import binned as binned_file
from recommender.models import blocks
from recommender.models.binned import Binned
from recommender.models.piecewise import PiecewiseLinear


@pytest.fixture(params=[2**18, 100])
def events_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "_EVENTS_AT_ONCE", request.param)
    monkeypatch.setattr(binned_file, "_ROWS_AT_ONCE", request.param)


@pytest.mark.usefixtures("events_at_once")
def test_products_are_those_of_the_columns() -> None:
    # Of 20 different values, each has bins without others, so that nothing is rounded.
    generator = np.random.default_rng(0)
    numbers = generator.choice(generator.normal(size=20), (1_000, 3)).astype(np.float32)
    phi = PiecewiseLinear(numbers, 4)
    columns, binned = phi(tf.constant(numbers)).numpy(), Binned(numbers, phi)
    weights, values = generator.normal(size=(2, 1_000)).astype(np.float32)
    weights = weights[: phi.width]
    assert binned.width == 15 == columns.shape[1]
    assert binned.times(tf.constant(weights)).numpy() == pytest.approx(columns @ weights, abs=1e-4)
    assert binned.transposed_times(tf.constant(values)).numpy() == pytest.approx(columns.T @ values, abs=1e-3)
    assert binned.squares() == pytest.approx(columns.T @ columns, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("share", [1.0, 0.001])
def test_many_different_numbers_are_hardly_rounded(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if most numbers are 0, and if quantiles are those of a sample."""
    monkeypatch.setattr(binned_file, "_MOST_ROWS", 2_000)
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(10_000, 2)).astype(np.float32) * (generator.random((10_000, 2)) < share)
    phi = PiecewiseLinear(numbers, 4)
    weights = tf.ones([phi.width])
    exact = tf.linalg.matvec(phi(tf.constant(numbers)), weights).numpy()
    error = Binned(numbers, phi).times(weights).numpy() - exact
    assert np.std(error) < 0.05 * np.std(exact) and abs(np.mean(error)) < 0.01 * np.std(exact)
