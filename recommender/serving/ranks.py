"""Ranks of items among all that could be shown, computed in blocks of queries for a catalogue of any size.

Ranks are 1 + the number of other items scored higher + half the number of those scored equal. Items that the user has
seen do not count as other items.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

_CELLS_AT_ONCE = 2**24
"""Number of scores computed at once; limits the memory."""

Score = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Returns the scores of all items, [end - begin, num_items], for the queries from the first argument to before the
second."""


class Fixed(NamedTuple):
    """Scores of all items that do not depend on the query, [num_items] each.

    score: float32. higher, equal: int32, the numbers of other items scored higher and equal.
    """

    score: np.ndarray
    higher: np.ndarray
    equal: np.ndarray

    @classmethod
    def of(cls, scores: np.ndarray) -> "Fixed":
        """Counts for scores, [num_items], all of them numbers."""
        score = scores.astype(np.float32)
        ascending = np.sort(score)
        begin, end = np.searchsorted(ascending, score, "left"), np.searchsorted(ascending, score, "right")
        return cls(score, (len(score) - end).astype(np.int32), (end - begin - 1).astype(np.int32))


def rank(items: tf.Tensor, seen: tf.RaggedTensor, score: Score, num_items: int) -> tf.Tensor:
    """Returns the ranks of one item for each query.

    Args:
      items: [n] int32 indices in `[0, num_items]`.
      seen: [n, (items)] int32, distinct items that do not count as other items.
      score: computes the scores of the n queries.
      num_items: size of the catalogue.

    Returns:
      [n] float32; infinite for an unknown item. An item with the score NaN ranks last; as another item, it counts as
      scored higher.
    """
    at_once = max(1, _CELLS_AT_ONCE // num_items)
    ranks = tf.zeros([0])
    for begin in tf.range(0, tf.size(items), at_once):
        tf.autograph.experimental.set_loop_options(shape_invariants=[(ranks, tf.TensorShape([None]))])
        end = tf.minimum(begin + at_once, tf.size(items))
        found = _rank_in(score(begin, end), items[begin:end], seen[begin:end], num_items)
        ranks = tf.concat([ranks, found], axis=0)
    return ranks


def rank_fixed(items: tf.Tensor, seen: tf.RaggedTensor, fixed: Fixed, num_items: int) -> tf.Tensor:
    """Returns the ranks by fixed scores; arguments and result as in `rank`."""
    known = tf.minimum(items, num_items - 1)
    own, higher, equal = (tf.gather(column, known) for column in fixed)
    seen_scores = tf.gather(fixed.score, seen.flat_values)
    return _without_seen(seen_scores, own, higher, equal, items, seen, num_items)


def _rank_in(scores: tf.Tensor, items: tf.Tensor, seen: tf.RaggedTensor, num_items: int) -> tf.Tensor:
    """Returns the ranks in [n, num_items] scores."""
    own = tf.gather(scores, tf.minimum(items, num_items - 1), batch_dims=1)
    lower, equal = (_count(compare(scores, own[:, tf.newaxis])) for compare in (tf.less, tf.equal))
    # NaN is neither lower nor equal, so it counts as higher and never improves a rank. The item itself is equal, or
    # higher if it is NaN.
    is_nan = tf.cast(tf.math.is_nan(own), tf.int32)
    higher, equal = num_items - lower - equal - is_nan, equal - (1 - is_nan)
    cells = tf.stack([tf.cast(seen.value_rowids(), tf.int32), seen.flat_values], axis=1)
    return _without_seen(tf.gather_nd(scores, cells), own, higher, equal, items, seen, num_items)


def _without_seen(
    seen_scores: tf.Tensor,
    own: tf.Tensor,
    higher: tf.Tensor,
    equal: tf.Tensor,
    items: tf.Tensor,
    seen: tf.RaggedTensor,
    num_items: int,
) -> tf.Tensor:
    """Returns the ranks for [n] numbers of other items scored higher and equal, of which some have been seen."""
    rows = seen.value_rowids()
    own = tf.gather(own, rows)
    is_other, is_equal = seen.flat_values != tf.gather(items, rows), tf.equal(seen_scores, own)
    is_higher = ~(tf.less(seen_scores, own) | is_equal)
    higher -= tf.math.unsorted_segment_sum(tf.cast(is_other & is_higher, tf.int32), rows, seen.nrows())
    equal -= tf.math.unsorted_segment_sum(tf.cast(is_other & is_equal, tf.int32), rows, seen.nrows())
    ranks = 1.0 + tf.cast(higher, tf.float32) + tf.cast(equal, tf.float32) / 2.0
    return tf.where(items == num_items, np.inf, ranks)


def _count(cells: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(cells, tf.int32), axis=1)
