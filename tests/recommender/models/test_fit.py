import pytest
import tensorflow as tf

from recommender.models.fit import cosine_adam


def test_the_learning_rate_falls_to_0_along_a_cosine_over_all_epochs():
    optimizer, variable = cosine_adam(0.1, num_batches=2, epochs=3), tf.Variable([0.0])
    rates = []
    for _ in range(7):
        optimizer.apply_gradients([(tf.zeros([1]), variable)])
        rates.append(float(optimizer.learning_rate))
    # 0.1 * (1 + cos(step * 30 degrees)) / 2
    assert rates == pytest.approx([0.1, 0.09330, 0.075, 0.05, 0.025, 0.00670, 0.0], abs=1e-5)
