import pytest
import tensorflow as tf

from recommender.models.fused_adam import FusedAdam


def _train(optimizer: tf.keras.optimizers.Optimizer) -> list[tf.Tensor]:
    """Some steps on a table, of which each batch reads a few rows, one of them twice, and on a bias."""
    table = tf.Variable(tf.random.stateless_normal([6, 3], seed=(1, 2)))
    bias = tf.Variable([0.5, -0.5, 0.0])
    for rows in ([0, 1, 1], [2], [5, 0]):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.gather(table, rows) + bias - 1.0))
        gradients = tape.gradient(loss, [table, bias])
        assert isinstance(gradients[0], tf.IndexedSlices)
        optimizer.apply_gradients(zip(gradients, [table, bias], strict=True))
    return [table, bias]


def test_a_step_is_that_of_adam():
    schedule = tf.keras.optimizers.schedules.CosineDecay(0.1, 6)
    adam = tf.keras.optimizers.Adam(schedule)
    adam.jit_compile = False
    for variable, expected in zip(_train(FusedAdam(schedule)), _train(adam), strict=True):
        tf.debugging.assert_near(variable, expected, atol=1e-6)


def test_the_step_is_compiled_once_for_each_variable():
    optimizer = FusedAdam(tf.keras.optimizers.schedules.CosineDecay(0.1, 6))
    _train(optimizer)
    assert optimizer._update_step_xla.experimental_get_tracing_count() == 2


def test_keras_does_not_compile_the_step_on_a_cpu():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU, for which Keras compiles the step")
    assert not tf.keras.optimizers.Adam(0.1, jit_compile=True).jit_compile, "it does: the trick is not needed"
