"""The retrieval model that is served: what a user likes, from three parts, and how popular an item is."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.models.linear import LinearFactors
from recommender.models.pooling import place_weights, sum_pooling, weighted_sum
from recommender.models.transitions import Transitions
from recommender.models.two_tower import TwoTowerModel


class PartWeights(NamedTuple):
    """Factors of the scores of the towers' vectors, of the linear part and of the transitions, each at least 0."""

    towers: float
    linear: float
    transitions: float


class RetrievalModel(tf.Module):
    """score = scale * (weighted sum of towers, linear part and transitions + level), as one dot product.

    The parts are fitted separately. They err in different ways, and their sum ranks better than each; fitted together,
    the towers would only learn the residuals of the linear part. Where the others rank as well alone, there are no
    towers.

    weights: of the parts, at first 1. scale: factor of the whole, at first 1. popularity: [num_items] float32, number
    of events by which items are ordered for unknown users.
    """

    def __init__(
        self,
        two_tower: TwoTowerModel | None,
        linear: LinearFactors,
        transitions: Transitions,
        level: np.ndarray,
        popularity: np.ndarray,
    ):
        """Combines the parts.

        Args:
          two_tower: the fitted towers, or None.
          linear: the fitted factors.
          transitions: the fitted transitions.
          level: [num_items] float32, the part of the score that is the same for all users, as a logarithm.
          popularity: see the class.
        """
        super().__init__()
        self.two_tower, self.level, self.popularity = two_tower, level, popularity
        self.weights, self.scale = PartWeights(1.0, 1.0, 1.0), 1.0
        self._decay = transitions.decay
        self._linear_history = tf.Variable(linear.history, trainable=False)
        self._linear_items = tf.Variable(linear.items, trainable=False)
        self._transitions_history = tf.Variable(transitions.history, trainable=False)
        self._transitions_items = tf.Variable(transitions.items, trainable=False)

    @property
    def query_variables(self) -> list[tf.Variable]:
        """All variables that `encode_queries` reads."""
        towers = self.two_tower.query_weights if self.two_tower else []
        return [*towers, self._linear_history, self._transitions_history]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes queries; arguments as `TwoTowerModel.encode_queries`.

        Returns:
          [num_queries, width] float32.
        """
        parts = [
            sum_pooling(self._linear_history, history) * self.weights.linear,
            weighted_sum(self._transitions_history, history, place_weights(history, self._decay))
            * self.weights.transitions,
            tf.ones([tf.shape(users)[0], 1]),
        ]
        if self.two_tower:
            towers = self.two_tower.encode_queries(users, history, timestamps)
            parts.insert(0, towers[:, :-1] * self.weights.towers)
        return self.scale * tf.concat(parts, axis=1)

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        """Encodes items, [n] indices below the number of items, to [n, width] float32."""
        parts = [
            tf.gather(self._linear_items, items),
            tf.gather(self._transitions_items, items),
            tf.gather(self.level, items)[:, tf.newaxis],
        ]
        if self.two_tower:
            parts.insert(0, self.two_tower.encode_candidates(items)[:, :-1])
        return tf.concat(parts, axis=1)

    def split(self, vectors: np.ndarray) -> list[np.ndarray]:
        """Splits the columns of queries or candidates, [n, width], by towers, linear part, transitions and level."""
        end = vectors.shape[1] - 1
        begin = end - self._transitions_items.shape[1]
        return np.split(vectors, [begin - self._linear_items.shape[1], begin, end], axis=1)
