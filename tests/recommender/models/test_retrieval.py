import numpy as np
import pytest
import tensorflow as tf

from recommender.models.linear import LinearFactors
from recommender.models.retrieval import PartWeights, RetrievalModel
from recommender.models.transitions import Transitions

HISTORY = tf.ragged.constant([[0, 2], [1]], dtype=tf.int32, row_splits_dtype=tf.int64)
QUERIES, CANDIDATES = np.array([[1.0, 2.0], [3.0, -1.0]], np.float32), np.array([[0, 1], [1, 1], [2, 0]], np.float32)
LINEAR = LinearFactors(
    np.array([[1, 0], [0, 2], [3, 1], [0, 0]], np.float32), np.array([[1, 1], [2, 0], [0, 1]], np.float32)
)
TRANSITIONS = Transitions(
    np.array([[2], [1], [4], [0]], np.float32), np.array([[1], [0], [2]], np.float32), decay=1 / np.log(2)
)
LEVEL = np.array([0.5, 0.0, -1.0], np.float32)


class Towers:
    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        return tf.gather(QUERIES, users)

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        return tf.gather(CANDIDATES, items)


def scores(*weights: float) -> np.ndarray:
    model = RetrievalModel(Towers(), LINEAR, TRANSITIONS, LEVEL, np.zeros(3, np.float32))
    model.weights, model.scale = PartWeights(*weights), 2.0
    queries = model.encode_queries(tf.constant([0, 1]), HISTORY, tf.zeros(2, tf.int64))
    return (queries @ tf.transpose(model.encode_candidates(tf.range(3)))).numpy()


def test_scores_are_the_weighted_sum_of_the_parts() -> None:
    towers = QUERIES[:, :1] @ CANDIDATES[:, :1].T
    linear = np.stack([(LINEAR.history[0] + LINEAR.history[2]) / 2**0.5, LINEAR.history[1]]) @ LINEAR.items.T
    # The latest item counts fully, the one before half.
    transitions = np.stack([TRANSITIONS.history[0] / 2 + TRANSITIONS.history[2], TRANSITIONS.history[1]])
    assert scores(1.0, 0.0, 0.0) == pytest.approx(2 * (towers + LEVEL))
    expected = 2 * (0.5 * towers + 0.3 * linear + 3 * transitions @ TRANSITIONS.items.T + LEVEL)
    assert scores(0.5, 0.3, 3.0) == pytest.approx(expected, rel=1e-5)
