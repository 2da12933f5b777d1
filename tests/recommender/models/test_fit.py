import tensorflow as tf

from recommender.models.fit import cosine_adam


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


def test_the_optimizer_steps_as_adam_with_a_rate_that_falls_along_a_cosine():
    ours = _train(cosine_adam(0.1, num_batches=2, epochs=3))
    adam = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(0.1, 6))
    adam.jit_compile = False
    for variable, expected in zip(ours, _train(adam), strict=True):
        tf.debugging.assert_near(variable, expected, atol=1e-6)
