import gc
import weakref

import pytest
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.models.fit import CosineDecay, cosine_adam, fit


def test_the_learning_rate_falls_to_0_along_a_cosine_over_all_epochs():
    optimizer, variable = cosine_adam(0.1, num_batches=2, epochs=3), tf.Variable([0.0])
    rates = []
    for _ in range(7):
        optimizer.apply_gradients([(tf.zeros([1]), variable)])
        rates.append(float(optimizer.learning_rate))
    # 0.1 * (1 + cos(step * 30 degrees)) / 2
    assert rates == pytest.approx([0.1, 0.09330, 0.075, 0.05, 0.025, 0.00670, 0.0], abs=1e-5)


def test_the_learning_rate_starts_again() -> None:
    schedule = CosineDecay(0.1, 4)
    schedule.start(0.05, 2, begin=3)
    assert [float(schedule(tf.constant(step))) for step in (3, 4, 5, 6)] == pytest.approx([0.05, 0.025, 0, 0])


class _Line(tfrs.Model):
    def __init__(self) -> None:
        super().__init__()
        self._slope = self.add_weight(name="slope", shape=[])

    def compute_loss(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        return tf.reduce_mean(tf.square(self._slope * inputs - 1.0))


def test_the_fitted_model_does_not_keep_the_optimizer() -> None:
    model, optimizer = _Line(), cosine_adam(0.1, num_batches=1, epochs=2)
    fit("line", model, tf.data.Dataset.from_tensors([1.0]), 1, optimizer, epochs=2)
    released = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert released() is None
