"""Ranks of items among all that could be shown, computed in blocks for a catalogue of any size."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

_ITEMS_AT_ONCE = 4_096
"""Number of items scored at once; limits the memory."""

Score = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Returns the scores, [n, end - begin], of the items from the first argument to before the second."""


def rank(items: tf.Tensor, seen: tf.RaggedTensor, score: Score, num_items: int) -> tf.Tensor:
    """Returns ranks: 1 + the number of other items scored higher + half the number of those scored equal.

    Args:
      items: [n] int32 indices in `[0, num_items]`.
      seen: [n, (items)] int32, items that do not count as other items.
      score: computes the scores of the n queries.
      num_items: size of the catalogue.

    Returns:
      [n] float32; infinite for an unknown item. An item with the score NaN ranks last; as another item, it counts as
      scored higher.
    """
    own = tf.fill(tf.shape(items), np.float32(np.nan))
    for begin in tf.range(0, num_items, _ITEMS_AT_ONCE):
        end = tf.minimum(begin + _ITEMS_AT_ONCE, num_items)
        column = tf.clip_by_value(items - begin, 0, end - begin - 1)
        here = column == items - begin
        # From the same product as the scores that it is compared with: other kernels round differently.
        own = tf.where(here, tf.gather(score(begin, end), column, batch_dims=1), own)
    higher, equal = tf.zeros_like(items), tf.zeros_like(items)
    for begin in tf.range(0, num_items, _ITEMS_AT_ONCE):
        end = tf.minimum(begin + _ITEMS_AT_ONCE, num_items)
        scores = score(begin, end)
        others = _is_unseen(seen, begin, end) & (tf.range(begin, end) != items[:, tf.newaxis])
        # NaN counts as higher, so that it never improves a rank. This is written out, since TensorFlow simplifies
        # "not lower or equal" to "higher".
        is_higher = (scores > own[:, tf.newaxis]) | tf.math.is_nan(scores) | tf.math.is_nan(own)[:, tf.newaxis]
        higher += _count(others & is_higher)
        equal += _count(others & (scores == own[:, tf.newaxis]))
    ranks = 1.0 + tf.cast(higher, tf.float32) + tf.cast(equal, tf.float32) / 2.0
    return tf.where(items == num_items, np.inf, ranks)


def _is_unseen(seen: tf.RaggedTensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
    """Returns whether the items from `begin` to before `end` are unseen, [n, end - begin] bool."""
    inside = (seen.flat_values >= begin) & (seen.flat_values < end)
    cells = tf.stack([tf.cast(seen.value_rowids(), tf.int32), seen.flat_values - begin], axis=1)
    cells = tf.boolean_mask(cells, inside)
    everything = tf.ones([seen.nrows(tf.int32), end - begin], tf.bool)
    return tf.tensor_scatter_nd_update(everything, cells, tf.zeros(tf.shape(cells)[:1], tf.bool))


def _count(cells: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(cells, tf.int32), axis=1)
