"""`PiecewiseLinear` of many events in little memory."""

import itertools

import numpy as np
import tensorflow as tf

from recommender.models.blocks import in_turn
from recommender.models.piecewise import PiecewiseLinear

_BINS = 256
_MOST_ROWS, _ROWS_AT_ONCE = 200_000, 2**18
"""Maximum number of events from which the quantiles are computed, and number of events that are counted at once."""


class Binned(tf.Module):
    """phi, [n, width], of n events, whose numbers are kept as bins of one byte each.

    Half of a number's bins divide the events equally, and half the range, where a few large numbers may count as much
    as all others. A number counts as the mean of its bin. Since each column of phi is a function of one number, phi is
    a sum of rows of a table, [num_numbers, 256, width].
    """

    def __init__(self, numbers: np.ndarray, phi: PiecewiseLinear):
        """Takes the events' numbers, [n, num_numbers] float32, with at least one event."""
        num_events, num_numbers = numbers.shape
        edges, bins = _edges(numbers), np.empty((num_numbers, num_events), np.uint8)
        sums, counts = np.zeros((2, num_numbers, _BINS))
        for begin in range(0, num_events, _ROWS_AT_ONCE):
            rows = slice(begin, begin + _ROWS_AT_ONCE)
            for number, values in enumerate(numbers[rows].T):
                bins[number, rows] = np.searchsorted(edges[number], values, side="right")
                sums[number] += np.bincount(bins[number, rows], values, _BINS)
                counts[number] += np.bincount(bins[number, rows], minlength=_BINS)
        columns = phi(tf.constant((sums / np.maximum(1, counts)).T, tf.float32)).numpy()
        self._bins = tf.constant(bins)
        is_of_number = np.arange(phi.width) % num_numbers == np.arange(num_numbers)[:, np.newaxis, np.newaxis]
        self._table = np.where(is_of_number, columns, np.float32(0))
        self.width = phi.width

    def times(self, weights: tf.Tensor) -> tf.Tensor:
        """Returns phi @ weights, [n]; weights: [width]."""
        values = tf.linalg.matvec(self._table, weights)
        parts = in_turn(
            lambda rows: tf.add_n([tf.gather(*pair) for pair in zip(tf.unstack(values), self._of(rows), strict=True)]),
            self._bins.shape[1],
        )
        return tf.concat(parts, axis=0)

    def transposed_times(self, values: tf.Tensor) -> tf.Tensor:
        """Returns phi' values, [width] float64; values: [n] float32."""

        def of_block(rows: slice) -> tf.Tensor:
            # Threads add in any order, so that in float32 the sums would not be the same each time.
            added = tf.cast(values[rows], tf.float64)
            return tf.stack([tf.math.bincount(bins, added, _BINS, _BINS) for bins in self._of(rows)])

        sums = tf.add_n(in_turn(of_block, self._bins.shape[1]))
        return tf.einsum("mb,mbw->w", sums, tf.constant(self._table, tf.float64))

    def squares(self) -> np.ndarray:
        """Returns phi' phi, [width, width] float64."""
        num_numbers, num_events = self._bins.shape
        counts = np.zeros((num_numbers, _BINS, num_numbers, _BINS))
        for begin in range(0, num_events, _ROWS_AT_ONCE):
            bins = self._bins[:, begin : begin + _ROWS_AT_ONCE].numpy().astype(np.int64)
            for first, second in itertools.product(range(num_numbers), repeat=2):
                pairs = np.bincount(bins[first] * _BINS + bins[second], minlength=_BINS**2)
                counts[first, :, second] += pairs.reshape(_BINS, _BINS)
        counts = counts.reshape(num_numbers * _BINS, -1)
        table = self._table.reshape(-1, self.width).astype(np.float64)
        return table.T @ counts @ table

    def _of(self, rows: slice) -> list[tf.Tensor]:
        """Returns the bins of some events, [num_events] int32 for each number."""
        return tf.unstack(tf.cast(self._bins[:, rows], tf.int32))


def _edges(numbers: np.ndarray) -> np.ndarray:
    """Returns where the bins of each number begin, except the first, [num_numbers, 255] float32."""
    half, sample = _BINS // 2, numbers[:: len(numbers) // _MOST_ROWS + 1]
    equal = np.quantile(sample, np.arange(1, half) / half, axis=0)
    spaced = np.linspace(numbers.min(axis=0), numbers.max(axis=0), half + 2)[1:-1]
    return np.sort(np.concatenate([equal, spaced]), axis=0).astype(np.float32).T
