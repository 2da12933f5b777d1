import numpy as np
import pytest

from recommender.models.batch_means import BatchMeans


def test_the_error_is_that_of_the_mean_of_batches() -> None:
    draws = BatchMeans()
    for batch in ([1.0, 5.0], [2.0, 5.0], [6.0, 5.0]):
        for _ in range(10):
            assert draws.squared_error() == np.inf
            draws.add(np.array(batch))
    # The means 1, 2 and 6 have the variance 7, those of the second value 0.
    assert draws.squared_error() == pytest.approx((7 / 3 + 0) / 2)


def test_independent_draws_have_the_error_of_their_number() -> None:
    draws, generator = BatchMeans(), np.random.default_rng(0)
    for _ in range(400):
        draws.add(generator.normal(0, 3, 500))
    assert draws.squared_error() == pytest.approx(9 / 400, rel=0.05)
