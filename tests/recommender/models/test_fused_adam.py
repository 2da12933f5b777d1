import pytest
import tensorflow as tf

from recommender.models import fused_adam
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
    assert super(FusedAdam, optimizer)._update_step_xla.experimental_get_tracing_count() == 2


def test_a_row_of_a_large_table_takes_the_steps_of_adam_in_its_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_adam, "MOST_ROWS", 5)
    start, decay = tf.random.stateless_normal([6, 3], seed=(1, 2)), 0.2
    table = tf.Variable(start)
    optimizer = FusedAdam(0.1, row_decay=decay)

    @tf.function
    def step(rows: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(tf.gather(table, rows) - 1.0))
        optimizer.minimize(loss, [table], tape=tape)

    for rows in ([0, 1, 1], [2], [1, 0], [1]):
        step(tf.constant(rows))
    for row, batches in {0: [1, 1], 1: [2, 1, 1], 2: [1], 3: []}.items():
        alone, adam = tf.Variable(start[row]), tf.keras.optimizers.Adam(0.1, jit_compile=False)
        for times in batches:
            with tf.GradientTape() as tape:
                loss = times * tf.reduce_sum(tf.square(alone - 1.0)) + decay * tf.reduce_sum(tf.square(alone))
            adam.minimize(loss, [alone], tape=tape)
        tf.debugging.assert_near(table[row], alone, atol=1e-5)


def test_keras_does_not_compile_the_step_on_a_cpu():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has a GPU, for which Keras compiles the step")
    assert not tf.keras.optimizers.Adam(0.1, jit_compile=True).jit_compile, "it does: the trick is not needed"
