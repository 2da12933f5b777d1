import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from recommender.models.bias_rating import BiasRating
from recommender.models.biases import Biases

BIASES = Biases(3.0, np.array([0.5, -0.5, 0], np.float32), np.array([0.25, 0, 0.125, 0], np.float32))
USERS, ITEMS = (tf.constant(column, tf.int32) for column in ([0, 1, 2, 1, 2], [0, 1, 2, 3, 3]))
EXPECTED = [3.75, 2.5, 3.125, 2.5, 3]


def test_by_hand_at_any_time() -> None:
    rater = BiasRating(BIASES)
    assert rater.rate(USERS, ITEMS).numpy().tolist() == EXPECTED
    assert rater.rate(tf.constant([[0], [1]]), tf.constant([[0, 3], [1, 3]])).numpy().tolist() == [
        [3.75, 3.5],
        [2.5, 2.5],
    ]
    moments = rater.moments(USERS, tf.range(5, dtype=tf.int64) * 10**9)
    assert rater.rate(USERS, ITEMS, tf.gather(moments, tf.range(5))).numpy().tolist() == EXPECTED


def test_it_runs_in_litert_by_builtin_operators_only() -> None:
    rater, ids = BiasRating(BIASES), tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=[ids, ids])
    def rate(users: tf.Tensor, items: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"rating": rater.rate(users, items)}

    converter = tf.lite.TFLiteConverter.from_concrete_functions([rate.get_concrete_function()], rater)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    runner = Interpreter(model_content=converter.convert()).get_signature_runner()
    assert runner(users=USERS.numpy(), items=ITEMS.numpy())["rating"] == pytest.approx(EXPECTED)
