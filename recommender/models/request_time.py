"""Encodes the time of a request as one vector."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

_HOUR, _DAY = 3_600, 86_400
_THURSDAY = 3
"""The weekday of 1970-01-01, from which timestamps count; Monday is 0."""


class RequestTime(tf.keras.layers.Layer):
    """Sum of one vector for each form of the time.

    `bucket`: periods with equal numbers of training events; a time after them is in the last. `normalized`:
    the position between the first and the last training event, in [0, 1], times a vector. `hour`: of the day, UTC.
    `weekday`: of the week, UTC.
    """

    def __init__(self, forms: Sequence[str], timestamps: np.ndarray, num_buckets: int, dimension: int):
        """Creates the tables.

        Args:
          forms: names of forms.
          timestamps: [n] seconds, of the training events.
          num_buckets: number of periods of `bucket`.
          dimension: width of the vectors.
        """
        super().__init__()
        self._dimension = dimension
        self._bounds = np.quantile(timestamps, np.linspace(0, 1, num_buckets + 1)[1:-1]).astype(np.int64)
        self._begin, self._span = int(timestamps.min()), max(1, int(timestamps.max() - timestamps.min()))
        sizes = {"bucket": num_buckets, "normalized": 1, "hour": 24, "weekday": 7}
        self._tables = {
            form: self.add_weight(name=f"{form}_embeddings", shape=[sizes[form], dimension], initializer="zeros")
            for form in forms
        }

    def call(self, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes [n] int64 seconds as [n, dimension]."""
        vectors = tf.zeros([tf.shape(timestamps)[0], self._dimension])
        for form, table in self._tables.items():
            if form == "normalized":
                position = tf.cast(timestamps - self._begin, tf.float32) / self._span
                vectors += tf.clip_by_value(position, 0.0, 1.0)[:, tf.newaxis] * table
            else:
                vectors += tf.gather(table, self._index(form, timestamps))
        return vectors

    def _index(self, form: str, timestamps: tf.Tensor) -> tf.Tensor:
        if form == "bucket":
            return tf.searchsorted(tf.constant(self._bounds), timestamps, side="right")
        if form == "hour":
            return tf.math.floormod(timestamps, _DAY) // _HOUR
        return tf.math.floormod(tf.math.floordiv(timestamps, _DAY) + _THURSDAY, 7)
