"""Predicts ratings from fitted factors and the mood."""

import numpy as np
import tensorflow as tf

from recommender.models.bayesian import RatingFactors
from recommender.models.mood import GivenRatings, Mood


class RatingModel(tf.Module):
    """rating = mean + b_u + b_i + <p_u, q_i> + mood(u, t).

    The last row of each table is for unknown users or items; their biases, vectors and mood are 0.
    """

    def __init__(self, factors: RatingFactors, mood: Mood, default_mood: np.ndarray):
        """Creates the tables.

        Args:
          factors: the fitted factors.
          mood: computes the mood of users at a time.
          default_mood: [num_users + 1] float32, the mood of each user if no time is given.
        """
        self._mean = factors.mean
        self._user_bias, self._item_bias = tf.Variable(factors.user_bias), tf.Variable(factors.item_bias)
        self._user_vectors = tf.Variable(factors.user_vectors)
        self._item_vectors = tf.Variable(factors.item_vectors)
        self._mood = mood
        self._default_mood = tf.Variable(default_mood)

    def moments(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        """Computes the moods of requests, for `rate`.

        Args:
          users: [n] int32, in `[0, num_users]`.
          timestamps: [n] int64, seconds.
          given: recent ratings of the users, instead of those known from training.

        Returns:
          [n] float32.
        """
        return self._mood(users, timestamps, given)

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        """Predicts ratings, not clipped to their scale.

        Args:
          users: [n] int32, in `[0, num_users]`, or of any shape that broadcasts with that of `items`.
          items: [n] int32, in `[0, num_items]`.
          moments: float32 of the shape of `users`, the users' moods; None for each user's default, which is looked
            up in a table: then TFLite has all operators of the graph.

        Returns:
          float32 of the shape that both broadcast to.
        """
        mood = tf.gather(self._default_mood, users) if moments is None else moments
        products = tf.gather(self._user_vectors, users) * tf.gather(self._item_vectors, items)
        biases = tf.gather(self._user_bias, users) + tf.gather(self._item_bias, items)
        return self._mean + biases + tf.reduce_sum(products, axis=-1) + mood
