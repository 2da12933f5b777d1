"""The probability that an item is among the positives of a batch."""

import numpy as np
import tensorflow as tf

_STEP = 0.05
"""Weight of the latest gap in the running mean."""


class CountedFrequency(tf.keras.layers.Layer):
    """The probability computed from an item's share of all events: 1 - (1 - share)^n for a batch of n positives."""

    def __init__(self, popularity: np.ndarray):
        """Takes the numbers of training events, [num_items], at least one in total."""
        super().__init__()
        self._share = tf.constant(popularity / popularity.sum(), tf.float32)

    def call(self, candidates: tf.Tensor, items: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the probabilities, [num_candidates], of candidates to be in a batch as large as `items`, [n]."""
        size = tf.cast(tf.shape(items)[0], tf.float32)
        # This form stays accurate for shares far smaller than 1.
        return -tf.math.expm1(size * tf.math.log1p(-tf.gather(self._share, candidates)))


class StreamingFrequency(tf.keras.layers.Layer):
    """A running estimate: 1 over the mean number of batches from one with the item to the next.

    Algorithm 2 of Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations" (2019):
    B[y] <- (1 - a) B[y] + a (t - A[y]), A[y] <- t whenever batch t holds y; the probability is 1 / B[y].
    """

    def __init__(self, num_items: int, first_gap: float):
        """Starts from a gap of `first_gap` batches for every one of `num_items` items."""
        super().__init__()
        self._batches = self.add_weight(name="batches", shape=[], dtype=tf.int64, initializer="zeros", trainable=False)
        self._last = self.add_weight(
            name="last_batch", shape=[num_items], dtype=tf.int64, initializer="zeros", trainable=False
        )
        self._gap = self.add_weight(
            name="mean_gap",
            shape=[num_items],
            initializer=tf.keras.initializers.Constant(first_gap),
            trainable=False,
        )

    def call(self, candidates: tf.Tensor, items: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Updates the estimate with the batch of `items`, [n], in training; see `CountedFrequency.call`."""
        if training:
            self._batches.assign_add(1)
            distinct = tf.unique(items)[0]
            gaps = tf.cast(self._batches - tf.gather(self._last, distinct), tf.float32)
            moved = (1 - _STEP) * tf.gather(self._gap, distinct) + _STEP * gaps
            positions = distinct[:, tf.newaxis]
            self._gap.scatter_nd_update(positions, moved)
            self._last.scatter_nd_update(positions, tf.fill(tf.shape(distinct), self._batches))
        return 1.0 / tf.maximum(tf.gather(self._gap, candidates), 1.0)
