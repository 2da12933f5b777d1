"""The probability that an item is among the positives of a batch."""

import numpy as np
import tensorflow as tf


class CountedFrequency(tf.keras.layers.Layer):
    """The probability computed from an item's share of all events: 1 - (1 - share)^n for a batch of n positives."""

    def __init__(self, popularity: np.ndarray):
        """Takes the first numbers of events, see `count`."""
        super().__init__()
        self._share = tf.Variable(tf.zeros(popularity.shape), trainable=False)
        self.count(popularity)

    def count(self, popularity: np.ndarray) -> None:
        """Takes the numbers of training events, [num_items], at least one in total."""
        self._share.assign((popularity / popularity.sum()).astype(np.float32))

    def call(self, candidates: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
        """Returns the probabilities, [num_candidates], of candidates to be in a batch as large as `items`, [n]."""
        size = tf.cast(tf.shape(items)[0], tf.float32)
        # This form stays accurate for shares far smaller than 1.
        return -tf.math.expm1(size * tf.math.log1p(-tf.gather(self._share, candidates)))
