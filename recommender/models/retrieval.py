"""The retrieval model that is served: the sum of two towers, a linear autoencoder and a trend."""

import numpy as np
import tensorflow as tf

from recommender.models.linear import LinearFactors
from recommender.models.pooling import sum_pooling
from recommender.models.two_tower import TwoTowerModel


class RetrievalModel(tf.Module):
    """score = scale * (towers + linear_weight * linear part + trend_weight * trend), as one dot product.

    The parts are fitted separately. They err in different ways, and their sum ranks better than each; fitted together,
    the towers would only learn the residuals of the linear part.
    """

    def __init__(
        self,
        two_tower: TwoTowerModel,
        linear: LinearFactors,
        trend: np.ndarray,
        popularity: np.ndarray,
        linear_weight: float = 0.0,
        trend_weight: float = 0.0,
    ):
        """Combines the parts.

        Args:
          two_tower: the fitted towers.
          linear: the fitted factors.
          trend: [num_items] float32, see `popularity_trend`.
          popularity: [num_items] float32, number of events by which items are ordered for unknown users.
          linear_weight: at least 0.
          trend_weight: at least 0.
        """
        super().__init__()
        self.two_tower, self.linear_weight, self.trend_weight = two_tower, linear_weight, trend_weight
        self.trend, self.popularity, self.scale = trend, popularity, 1.0
        self._linear_history = tf.Variable(linear.history, trainable=False)
        self._linear_items = tf.Variable(linear.items, trainable=False)

    @property
    def query_variables(self) -> list[tf.Variable]:
        """All variables that `encode_queries` reads."""
        return [*self.two_tower.query_weights, self._linear_history]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes queries; arguments as `TwoTowerModel.encode_queries`.

        Returns:
          [num_queries, width] float32.
        """
        towers = self.two_tower.encode_queries(users, history, timestamps)
        linear = sum_pooling(self._linear_history, history) * self.linear_weight
        trend = tf.fill([tf.shape(towers)[0], 1], float(self.trend_weight))
        return self.scale * tf.concat([towers, linear, trend], axis=1)

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        """Encodes items, [n] indices below the number of items, to [n, width] float32."""
        trend = tf.gather(self.trend, items)[:, tf.newaxis]
        return tf.concat([self.two_tower.encode_candidates(items), tf.gather(self._linear_items, items), trend], axis=1)

    def split(self, vectors: np.ndarray) -> list[np.ndarray]:
        """Splits the columns of queries or candidates, [n, width], by towers, linear part and trend."""
        rank = self._linear_items.shape[1]
        return np.split(vectors, [vectors.shape[1] - rank - 1, vectors.shape[1] - 1], axis=1)
