"""The part of a rating that needs more than a dot product."""

from collections.abc import Sequence

import tensorflow as tf


class RatingHead(tf.keras.layers.Layer):
    """Dense layers, then one number; the last layer starts from zero, so that the head adds nothing at first."""

    def __init__(self, width: int, deep_layers: Sequence[int], regularization: float):
        """Creates the layers.

        Args:
          width: width of the input.
          deep_layers: widths of the dense layers.
          regularization: weight of the sum of squares of all matrices in the loss.
        """
        super().__init__()
        penalty = tf.keras.regularizers.L2(regularization)
        self._deep = [tf.keras.layers.Dense(width, "relu", kernel_regularizer=penalty) for width in deep_layers]
        self._last = tf.keras.layers.Dense(1, kernel_initializer="zeros", kernel_regularizer=penalty)
        self(tf.zeros([1, width]))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [n] numbers of [n, width] inputs."""
        for layer in [*self._deep, self._last]:
            inputs = layer(inputs)
        return tf.squeeze(inputs, axis=1)
