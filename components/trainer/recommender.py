"""The exported model: lookups, vectors and stock TensorFlow operators; whoever loads it needs TensorFlow alone."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from components.models.biases import Biases
from components.models.inputs import Ragged
from schemas import signatures as names

_ITEMS_AT_ONCE = 4_096
"""Items scored at once when ranks are computed; bounds the memory for any catalogue."""

Tensors = dict[str, tf.Tensor]


class QueryEncoder(Protocol):
    """What knows how to ask for a history. query_variables: all that `encode_queries` reads."""

    query_variables: list[tf.Variable]

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        """[num_queries] users, [num_queries, (events)] items and [num_queries] seconds to [num_queries, width]."""


class Rater(Protocol):
    """A `tf.Module` that predicts ratings."""

    def rate(self, users: tf.Tensor, items: tf.Tensor, timestamps: tf.Tensor | None = None) -> tf.Tensor:
        """[n] users, [n] items and [n] seconds, or None for the user's usual time, to [n] ratings, not clipped."""


class Parts(NamedTuple):
    """What the exported model is made of.

    users, items: ids (bytes) by index. titles: [num_items] bytes. popularity: [num_items] number of training events.
    fallback: [num_items] float32, scores for who is unknown and has no history. seen: [num_users + 1] rows, the items
    of each user's training events. queries: [num_users + 1, width] float32, of users with their histories.
    candidates: [num_items, width] float32. scale: lowest and highest rating.
    """

    users: list[bytes]
    items: list[bytes]
    titles: np.ndarray
    popularity: np.ndarray
    fallback: np.ndarray
    seen: Ragged
    queries: np.ndarray
    candidates: np.ndarray
    encoder: QueryEncoder
    rater: Rater
    biases: Biases
    scale: tuple[float, float]


class Recommender(tf.Module):
    """Recommends items, predicts ratings and ranks held-out items.

    Ids that are not known are allowed everywhere: an unknown user is served by popularity, and a rating falls back
    to the biases that are known.
    """

    def __init__(self, parts: Parts):
        super().__init__()
        self._num_users, self._num_items = len(parts.users), len(parts.items)
        self._user_index, self._item_index = _index(parts.users), _index(parts.items)
        self._items, self._titles = _constant(np.array(parts.items, object)), _constant(parts.titles)
        self._popularity = _constant(parts.popularity.astype(np.float32))
        self._fallback = _constant(parts.fallback)
        self._seen, self._seen_splits = _constant(parts.seen.values), _constant(parts.seen.row_splits)
        self._queries, self._candidates = _constant(parts.queries), _constant(parts.candidates)
        # The function and its variables, not the encoder: an optimizer and layers of Keras have no place in the export.
        self._encode_queries, self._query_variables = parts.encoder.encode_queries, parts.encoder.query_variables
        self._rater, self._scale = parts.rater, parts.scale
        self._base_mean = parts.biases.mean
        self._base_user_bias, self._base_item_bias = _constant(parts.biases.user), _constant(parts.biases.item)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name=names.USER_ID),
            tf.TensorSpec([], tf.int32, name=names.K),
        ]
    )
    def recommend(self, user_id: tf.Tensor, k: tf.Tensor) -> Tensors:
        """The best items that each user has not rated in training.

        Args:
          user_id: [num_users] strings.
          k: [] int32, how many; 0 or less gives none.

        Returns:
          `item_id` and `title`, strings, `score` (of an unknown user: the number of ratings, times its trend) and
          `rating`, float32, each [num_users, max(k, 0)], by descending score. Where fewer than k items are left, the
          row ends in empty ids and titles with score and rating 0.
        """
        users = _find(self._user_index, user_id)
        scores = self._scores(users, 0, self._num_items)
        return self._best(scores, self._is_unseen(self._seen_by(users), 0, self._num_items), users, k)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.string, name=names.HISTORY_ITEM_ID),
            tf.TensorSpec([None], tf.int64, name=names.TIMESTAMP),
            tf.TensorSpec([], tf.int32, name=names.K),
        ]
    )
    def recommend_from_history(self, history_item_id: tf.Tensor, timestamp: tf.Tensor, k: tf.Tensor) -> Tensors:
        """The best items for someone of whom nothing is known but what he chose.

        Args:
          history_item_id: [num_queries, num_items] strings, oldest first; empty strings and unknown items are ignored.
          timestamp: [num_queries] int64, seconds, of the request; only models with `request_time` heed it.
          k: [] int32, how many; 0 or less gives none.

        Returns:
          As `recommend`, without the items of the history; what is popular where no item of it is known.
        """
        items = _find(self._item_index, history_item_id)
        history = tf.RaggedTensor.from_tensor(items)
        history = tf.ragged.boolean_mask(history, history < self._num_items)
        users = tf.fill(tf.shape(timestamp), self._num_users)
        queries = self._encode_queries(users, history, timestamp)
        scores = tf.matmul(queries, self._candidates, transpose_b=True)
        is_empty = (history.row_lengths() == 0)[:, tf.newaxis]
        scores = tf.where(is_empty, self._fallback, scores)
        return self._best(scores, self._is_unseen(history, 0, self._num_items), users, k)

    def _best(self, scores: tf.Tensor, allowed: tf.Tensor, users: tf.Tensor, k: tf.Tensor) -> Tensors:
        """The columns of `recommend` from scores and permissions, [n, num_items] each, for [n] users."""
        # Items seen (or without a finite score) take the lowest value only to sort last; they are replaced below.
        scores = tf.where(tf.math.is_finite(scores) & allowed, scores, -np.inf)
        scores, items = tf.math.top_k(scores, tf.clip_by_value(k, 0, self._num_items))
        left = scores > -np.inf
        raters = tf.broadcast_to(users[:, tf.newaxis], tf.shape(items))
        ratings = tf.reshape(self._rate(tf.reshape(raters, [-1]), tf.reshape(items, [-1])), tf.shape(items))
        columns = {
            names.ITEM_ID: tf.where(left, tf.gather(self._items, items), ""),
            names.TITLE: tf.where(left, tf.gather(self._titles, items), ""),
            names.SCORE: tf.where(left, scores, 0.0),
            names.RATING: tf.where(left, ratings, 0.0),
        }
        padding = [[0, 0], [0, tf.maximum(k - self._num_items, 0)]]
        empty = {names.ITEM_ID: "", names.TITLE: "", names.SCORE: 0.0, names.RATING: 0.0}
        return {name: tf.pad(column, padding, constant_values=empty[name]) for name, column in columns.items()}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.string, name=names.USER_ID),
            tf.TensorSpec([None], tf.string, name=names.ITEM_ID),
        ]
    )
    def rate(self, user_id: tf.Tensor, item_id: tf.Tensor) -> Tensors:
        """Predicts ratings: two [n] of strings to `rating`, [n] float32, within the scale."""
        return {names.RATING: self._rate(_find(self._user_index, user_id), _find(self._item_index, item_id))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name=names.EXAMPLES)])
    def evaluate(self, examples: tf.Tensor) -> Tensors:
        """Ranks the item of each example among the items that the user has not rated in training.

        Args:
          examples: [n] serialized tf.Examples with the raw features `user_id`, `item_id` and `timestamp`.

        Returns:
          Each [n, 1] float32. `rank` and, by popularity, `popularity_rank`: 1 + the number of other items scored higher
          + half of those scored equal, the example's own item always counted in; of an unknown item,
          infinite. A score that is not a number ranks last, and counts as higher than the others. `rating`:
          predicted for that time; `bias_rating`: by user and item biases alone.
        """
        feature = tf.io.FixedLenFeature([], tf.string)
        spec = {names.USER_ID: feature, names.ITEM_ID: feature, names.TIMESTAMP: tf.io.FixedLenFeature([], tf.int64)}
        parsed = tf.io.parse_example(examples, spec)
        users = _find(self._user_index, parsed[names.USER_ID])
        items = _find(self._item_index, parsed[names.ITEM_ID])
        biases = self._base_mean + tf.gather(self._base_user_bias, users) + tf.gather(self._base_item_bias, items)
        columns = {
            names.RANK: self._rank(users, items, self._scores),
            names.POPULARITY_RANK: self._rank(users, items, self._popularity_scores),
            names.RATING: self._rate(users, items, parsed[names.TIMESTAMP]),
            names.BIAS_RATING: tf.clip_by_value(biases, *self._scale),
        }
        return {name: column[:, tf.newaxis] for name, column in columns.items()}

    def _rate(self, users: tf.Tensor, items: tf.Tensor, timestamps: tf.Tensor | None = None) -> tf.Tensor:
        return tf.clip_by_value(self._rater.rate(users, items, timestamps), *self._scale)

    def _scores(self, users: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """[n] users to [n, end - begin] scores of the items from `begin` to `end`; by what is popular if unknown."""
        scores = tf.matmul(tf.gather(self._queries, users), self._candidates[begin:end], transpose_b=True)
        is_unknown = (users == self._num_users)[:, tf.newaxis]
        return tf.where(is_unknown, self._fallback[begin:end], scores)

    def _popularity_scores(self, users: tf.Tensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        return tf.broadcast_to(self._popularity[begin:end], [tf.shape(users)[0], end - begin])

    def _seen_by(self, users: tf.Tensor) -> tf.RaggedTensor:
        """[n] users to [n, (items)] int32."""
        seen = tf.RaggedTensor.from_row_splits(self._seen, self._seen_splits, validate=False)
        return tf.gather(seen, users)

    def _is_unseen(self, seen: tf.RaggedTensor, begin: tf.Tensor, end: tf.Tensor) -> tf.Tensor:
        """[n, (items)] to [n, end - begin] bool, of the items from `begin` to `end`."""
        inside = (seen.flat_values >= begin) & (seen.flat_values < end)
        cells = tf.stack([tf.cast(seen.value_rowids(), tf.int32), seen.flat_values - begin], axis=1)
        cells = tf.boolean_mask(cells, inside)
        everything = tf.ones([seen.nrows(tf.int32), end - begin], tf.bool)
        return tf.tensor_scatter_nd_update(everything, cells, tf.zeros(tf.shape(cells)[:1], tf.bool))

    def _rank(
        self, users: tf.Tensor, items: tf.Tensor, score: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]
    ) -> tf.Tensor:
        """[n] users and [n] items to [n] ranks; see `evaluate`."""
        own = tf.fill(tf.shape(users), np.float32(np.nan))
        for begin in tf.range(0, self._num_items, _ITEMS_AT_ONCE):
            end = tf.minimum(begin + _ITEMS_AT_ONCE, self._num_items)
            column = tf.clip_by_value(items - begin, 0, end - begin - 1)
            here = column == items - begin
            # Taken from the same product as the scores it is compared with: other kernels round differently.
            own = tf.where(here, tf.gather(score(users, begin, end), column, batch_dims=1), own)
        seen = self._seen_by(users)
        higher, equal = tf.zeros_like(items), tf.zeros_like(items)
        for begin in tf.range(0, self._num_items, _ITEMS_AT_ONCE):
            end = tf.minimum(begin + _ITEMS_AT_ONCE, self._num_items)
            scores = score(users, begin, end)
            others = self._is_unseen(seen, begin, end) & (tf.range(begin, end) != items[:, tf.newaxis])
            # What is not a number counts as higher, so that it never makes a rank look good. Said in full, since
            # TensorFlow simplifies "not lower or equal" to "higher".
            is_higher = (scores > own[:, tf.newaxis]) | tf.math.is_nan(scores) | tf.math.is_nan(own)[:, tf.newaxis]
            higher += _count(others & is_higher)
            equal += _count(others & (scores == own[:, tf.newaxis]))
        ranks = 1.0 + tf.cast(higher, tf.float32) + tf.cast(equal, tf.float32) / 2.0
        return tf.where(items == self._num_items, np.inf, ranks)


def _index(ids: list[bytes]) -> tf.lookup.StaticHashTable:
    """Positions by id; the number of ids for an unknown one. In memory and int64, since TFLite has no other tables."""
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(ids, tf.string), tf.range(len(ids), dtype=tf.int64))
    return tf.lookup.StaticHashTable(entries, default_value=len(ids))


def _find(index: tf.lookup.StaticHashTable, ids: tf.Tensor) -> tf.Tensor:
    return tf.cast(index.lookup(ids), tf.int32)


def _constant(values: np.ndarray) -> tf.Variable:
    """A variable, since a graph holds at most 2 GB of constants."""
    return tf.Variable(values, trainable=False)


def _count(cells: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.cast(cells, tf.int32), axis=1)
