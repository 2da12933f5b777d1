"""Predicts ratings from user and item biases alone."""

import tensorflow as tf

from recommender.models.biases import Biases
from recommender.models.mood import GivenRatings


class BiasRating(tf.Module):
    """rating = mean + b_u + b_i, at any time; the biases of unknown users and items are 0."""

    def __init__(self, biases: Biases):
        super().__init__()
        self._mean = biases.mean
        self._user_bias = tf.Variable(biases.user, trainable=False)
        self._item_bias = tf.Variable(biases.item, trainable=False)

    def moments(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        """Returns nothing for each of [n] users, [n, 0]: neither the time nor recent ratings count."""
        return tf.zeros([tf.size(users), 0])

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        """Predicts ratings, not clipped to the scale, of int32 users and items whose shapes broadcast."""
        return self._mean + tf.gather(self._user_bias, users) + tf.gather(self._item_bias, items)
