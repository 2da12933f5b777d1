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
        user_bias, item_bias = factors.user_bias + default_mood, factors.item_bias + np.float32(factors.mean)
        # A rating is one product of two rows, (b_u, p_u, 1) and (1, q_i, b_i), which are stored without the 1.
        self._users = tf.Variable(np.column_stack([user_bias, factors.user_vectors]))
        self._items = tf.Variable(np.column_stack([factors.item_vectors, item_bias]))
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
        user_rows = _with_one(tf.gather(self._users, users), before=0)
        ratings = tf.reduce_sum(user_rows * _with_one(tf.gather(self._items, items), before=1), axis=-1)
        return ratings if moments is None else ratings + moments - tf.gather(self._default_mood, users)


def _with_one(rows: tf.Tensor, before: int) -> tf.Tensor:
    """Returns rows, [..., width], with a 1 at their beginning, if `before` is 1, or at their end, if it is 0."""
    padding = [[0, 0]] * (rows.shape.rank - 1) + [[before, 1 - before]]
    return tf.pad(rows, padding, constant_values=1.0)
