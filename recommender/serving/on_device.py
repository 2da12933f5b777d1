"""Retrieval for one user at a time, in operators that TFLite has too."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.serving.lookup import find
from schemas import signatures as names


class Tables(NamedTuple):
    """The tables that retrieval reads; see `Parts`.

    items: [num_items + 1] ids, the last one empty. seen, seen_splits: the values and splits of `seen`. queries,
    candidates: with the fallback in the last column, see `Recommender`. is_shared: [width + 1] bool, the columns in
    which all queries are equal, and true for the last one.
    """

    user_index: tf.lookup.StaticHashTable
    item_index: tf.lookup.StaticHashTable
    items: tf.Variable
    seen: tf.Variable
    seen_splits: tf.Variable
    queries: tf.Variable
    candidates: tf.Variable
    is_shared: np.ndarray
    encode_queries: Callable[[tf.Tensor, tf.RaggedTensor, tf.Tensor], tf.Tensor]
    history_length: int
    now: int


def retrieve(tables: Tables, user_id: tf.Tensor, history_item_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns what `Recommender.retrieve` returns for one user without further inputs.

    TFLite has no ragged or sparse operators, no assertions and few operators on strings: hence a second implementation.

    Args:
      tables: the tables of a recommender.
      user_id: [1] string.
      history_item_id: [any] strings, oldest first; without known ids, the user's history in training is used.
      k: [] int32.

    Returns:
      `item_id`, strings, and `score`, float32, [max(k, 0)] each; padded with empty ids and zeros if fewer are left.
    """
    num_items = tables.candidates.shape[0]
    # `fill` sets the shape, since the converter does not know that of a lookup's result.
    user = tf.fill([1], find(tables.user_index, user_id[0]))
    history = find(tables.item_index, history_item_id)
    history = tf.boolean_mask(history, history < num_items)
    seen_splits = tf.cast(tables.seen_splits, tf.int32)
    begin, end = tf.gather(seen_splits, user), tf.gather(seen_splits, user + 1)
    seen = tf.slice(tables.seen, begin, end - begin)
    scores = tf.where(
        _flags(tf.concat([seen, history, [num_items]], axis=0), num_items + 1)[:-1],
        -np.inf,
        _scores(tables, user, history),
    )
    best, items = tf.math.top_k(scores, tf.clip_by_value(k, 0, num_items))
    left = best > -np.inf
    padding = [[0, tf.maximum(k - num_items, 0)]]
    # Positions are padded instead of ids: TFLite neither pads nor selects strings.
    positions = tf.pad(tf.where(left, items, num_items), padding, constant_values=num_items)
    return {names.ITEM_ID: tf.gather(tables.items, positions), names.SCORE: tf.pad(tf.where(left, best, 0.0), padding)}


def _scores(tables: Tables, user: tf.Tensor, history: tf.Tensor) -> tf.Tensor:
    """Returns scores, [num_items], for a [1] user and [n] known items; -infinity for those that are not finite."""
    num_items = tables.candidates.shape[0]
    is_known, has_history = user < tables.queries.shape[0] - 2, tf.size(history) > 0
    # An empty history becomes one unknown item, since LiteRT refuses empty tensors.
    history = tf.pad(history, [[0, tf.cast(~has_history, tf.int32)]], constant_values=num_items)
    latest = _latest(history)[-tables.history_length :]
    row = tf.RaggedTensor.from_row_splits(latest, tf.stack([0, tf.size(latest)]), validate=False)
    encoded = tf.pad(tables.encode_queries(user, row, tf.constant([tables.now], tf.int64)), [[0, 0], [0, 1]])
    query = tf.where(has_history, encoded, tf.gather(tables.queries, user))
    # Columns in which all queries are equal, such as the 1 for an item's bias, are left out of the product: in an 8-bit
    # table they would leave no precision for smaller numbers.
    own = tf.constant(~tables.is_shared, tf.float32)
    offset = tf.linalg.matvec(tables.candidates, tables.queries[0] * (1.0 - own))
    scores = tf.matmul(query * own, tables.candidates * own, transpose_b=True)[0] + offset
    scores = tf.where(is_known | has_history, scores, tables.candidates[:, -1])
    return tf.where(tf.math.is_finite(scores), scores, -np.inf)


def _latest(items: tf.Tensor) -> tf.Tensor:
    """Returns the distinct ones of [n] items, oldest first, each at its last occurrence."""
    return tf.reverse(tf.unique(tf.reverse(items, [0]))[0], [0])


def _flags(items: tf.Tensor, num_items: int) -> tf.Tensor:
    """Returns [num_items] bool, true at each of [n] items."""
    return tf.math.unsorted_segment_sum(tf.ones_like(items), items, num_items) > 0
