import numpy as np
import pytest
import tensorflow as tf

from recommender.models.linear import LinearFactors
from recommender.models.retrieval import RetrievalModel

HISTORY = tf.ragged.constant([[0, 2], [1]], dtype=tf.int32, row_splits_dtype=tf.int64)
QUERIES, CANDIDATES = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32), np.array([[0, 1], [1, 1], [2, 0]], np.float32)
LINEAR = LinearFactors(
    np.array([[1, 0], [0, 2], [3, 1], [0, 0]], np.float32), np.array([[1, 1], [2, 0], [0, 1]], np.float32)
)
TREND = np.array([0.5, 0.0, -1.0], np.float32)


class Towers:
    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        return tf.gather(QUERIES, users)

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        return tf.gather(CANDIDATES, items)


def scores(**weights: float) -> np.ndarray:
    model = RetrievalModel(Towers(), LINEAR, TREND, np.zeros(3, np.float32), **weights)
    queries = model.encode_queries(tf.constant([0, 1]), HISTORY, tf.zeros(2, tf.int64))
    return (queries @ tf.transpose(model.encode_candidates(tf.range(3)))).numpy()


def test_scores_are_the_weighted_sum_of_the_parts() -> None:
    towers = QUERIES @ CANDIDATES.T
    linear = np.stack([(LINEAR.history[0] + LINEAR.history[2]) / 2**0.5, LINEAR.history[1]]) @ LINEAR.items.T
    assert scores() == pytest.approx(towers)
    expected = towers + 0.3 * linear + 2.0 * TREND
    assert scores(linear_weight=0.3, trend_weight=2.0) == pytest.approx(expected, rel=1e-5)
