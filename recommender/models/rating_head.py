"""The part of a rating that needs more than a dot product."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_recommenders as tfrs


class RatingHead(tf.keras.layers.Layer):
    """Cross layers, then dense layers, then one number: the stacked structure of DCN-v2.

    A cross layer computes x0 * (W x + b) + x (Wang et al., "DCN V2: Improved Deep & Cross Network", 2021, eq. 1). The
    last layer starts from zero, so that the head adds nothing at first.
    """

    def __init__(self, width: int, cross_layers: int, deep_layers: Sequence[int], regularization: float):
        """Creates the layers.

        Args:
          width: width of the input.
          cross_layers: number of cross layers.
          deep_layers: widths of the dense layers.
          regularization: weight of the sum of squares of all matrices in the loss.
        """
        super().__init__()
        penalty = tf.keras.regularizers.L2(regularization)
        self._cross = [tfrs.layers.dcn.Cross(kernel_regularizer=penalty) for _ in range(cross_layers)]
        self._deep = [tf.keras.layers.Dense(width, "relu", kernel_regularizer=penalty) for width in deep_layers]
        self._last = tf.keras.layers.Dense(1, kernel_initializer="zeros", kernel_regularizer=penalty)
        self(tf.zeros([1, width]))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns [n] numbers of [n, width] inputs."""
        vectors = inputs
        for layer in self._cross:
            vectors = layer(inputs, vectors)
        for layer in [*self._deep, self._last]:
            vectors = layer(vectors)
        return tf.squeeze(vectors, axis=1)
