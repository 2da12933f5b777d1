"""Piecewise-linear functions of several numbers."""

import numpy as np
import tensorflow as tf


class PiecewiseLinear(tf.Module):
    """Columns whose weighted sums are, in each number, linear between knots and constant outside the sample's range.

    The knots are quantiles of the sample, and the columns have mean 0 and standard deviation 1 on it; a column that is
    (nearly) constant there is 0 everywhere. So a weighted sum is 0 on average.
    """

    def __init__(self, sample: np.ndarray, num_knots: int):
        """Takes a sample, [num_rows, num_numbers], with at least one row."""
        self._lowest, self._highest = _float32(sample.min(axis=0)), _float32(sample.max(axis=0))
        shares = np.arange(1, num_knots + 1) / (num_knots + 1)
        self._knots = [_float32(knots) for knots in np.quantile(sample, shares, axis=0)]
        columns = self._columns(tf.constant(sample, tf.float32)).numpy().astype(np.float64)
        deviation = columns.std(axis=0)
        varies = deviation > 1e-4 * deviation.max()
        self._mean = _float32(columns.mean(axis=0))
        self._scale = _float32(np.where(varies, 1 / np.where(varies, deviation, 1), 0))
        self.width = columns.shape[1]

    def __call__(self, numbers: tf.Tensor) -> tf.Tensor:
        """Returns the columns, [n, width] float32, of [n, num_numbers]; column j is of number j % num_numbers."""
        clipped = tf.clip_by_value(numbers, self._lowest, self._highest)
        return (self._columns(clipped) - self._mean) * self._scale

    def _columns(self, numbers: tf.Tensor) -> tf.Tensor:
        return tf.concat([numbers, *(tf.nn.relu(numbers - knots) for knots in self._knots)], axis=1)


def _float32(values: np.ndarray) -> np.ndarray:
    # No tensors, which a function would pass to its graph in every call.
    return np.asarray(values, np.float32)
