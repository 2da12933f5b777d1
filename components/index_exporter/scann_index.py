"""An approximate index of inner products (ScaNN), as a SavedModel with signatures like those of exact retrieval."""

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from components.index_exporter.content import Content
from schemas import signatures as names

_LEAST_REORDERED = 200
"""Minimum number of items found by their codes and then scored exactly; twice k if that is more."""
_DIMENSIONS_PER_BLOCK = 2
"""Number of a vector's dimensions that share one quantization code."""


class Tree(NamedTuple):
    """The division of the catalogue into `leaves` parts, of which each request searches `searched`."""

    leaves: int
    searched: int


def plan(num_items: int, searched_share: float) -> Tree:
    """Plans as many leaves as items per leaf, so that ranking the leaves costs as much as searching one of them.

    Args:
      num_items: at least 1.
      searched_share: share of the leaves that a request searches, in (0, 1].
    """
    leaves = max(1, round(num_items**0.5))
    return Tree(leaves, max(1, round(leaves * searched_share)))


class Index(tf.Module):
    """Finds items by inner product. A process must import `scann` before it loads the index."""

    def __init__(self, content: Content, tree: Tree):
        """Builds the index. ScaNN draws its first centres at random, so builds differ slightly."""
        super().__init__()
        from scann.scann_ops.py import scann_ops

        self._tree = tree
        self._num_items, self._num_users = len(content.catalogue.items), len(content.users)
        self._search_op = scann_ops.scann_search_batched
        searcher = (
            scann_ops.builder(content.candidates, min(_LEAST_REORDERED, self._num_items), "dot_product")
            .tree(tree.leaves, tree.searched)
            .score_ah(_DIMENSIONS_PER_BLOCK)
            .reorder(min(_LEAST_REORDERED, self._num_items))
            .build()
        )
        self._searcher = searcher.serialize_to_module()
        # A padding item follows the last item, and a sentinel the last seen key.
        self._items = tf.Variable(np.append(content.catalogue.items, b""), trainable=False)
        self._titles = tf.Variable(np.append(content.catalogue.titles, b""), trainable=False)
        self._queries = tf.Variable(content.queries, trainable=False)
        self._seen = tf.Variable(np.append(content.seen, np.iinfo(np.int64).max), trainable=False)
        self._popular = tf.Variable(content.popular.astype(np.int32), trainable=False)
        self._popular_scores = tf.Variable(content.popular_scores, trainable=False)
        num_seen = np.bincount(content.seen // self._num_items, minlength=self._num_users + 1)
        self._num_seen = tf.Variable(num_seen.astype(np.int32), trainable=False)
        entries = tf.lookup.KeyValueTensorInitializer(
            tf.constant(content.users, tf.string), tf.range(self._num_users, dtype=tf.int64)
        )
        self._user_index = tf.lookup.StaticHashTable(entries, self._num_users)
        width = content.candidates.shape[1]
        count = tf.TensorSpec([], tf.int32, names.K)
        self.retrieve = tf.function(
            self._retrieve, input_signature=[tf.TensorSpec([None], tf.string, names.USER_ID), count]
        )
        self.search = tf.function(
            self._find, input_signature=[tf.TensorSpec([None, width], tf.float32, names.EMBEDDING), count]
        )

    def save(self, folder: str) -> None:
        """Writes the SavedModel with the signatures `retrieve` and `search`."""
        signatures = {names.RETRIEVE: self.retrieve, names.SEARCH: self.search}
        tf.saved_model.save(self, folder, signatures=signatures)

    def description(self) -> dict[str, Any]:
        """Returns how the items are divided and searched."""
        return self._tree._asdict()

    def _retrieve(self, user_id: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the best items for each of [n] users, without those seen.

        Returns:
          `item_id`, `title` and `score`, [n, max(k, 0)]; if fewer than k items are found, the row is padded with empty
          ids, empty titles and zeros. `is_known`, [n] bool: false for unknown users, who get popular items.
        """
        users = self._user_index.lookup(user_id)
        # At least k of these are items that the user has not seen.
        wanted = k + tf.reduce_max(tf.concat([tf.gather(self._num_seen, users), [0]], axis=0))
        scores, items = self._nearest(tf.gather(self._queries, users), wanted)
        keys = users[:, tf.newaxis] * self._num_items + tf.cast(items, tf.int64)
        places = tf.searchsorted(self._seen, tf.reshape(keys, [-1]))
        seen = tf.reshape(tf.gather(self._seen, places), tf.shape(keys)) == keys
        shown = self._show(tf.where(seen, -np.inf, scores), items, k)
        popular = self._show(self._popular_scores[tf.newaxis], self._popular[tf.newaxis], k)
        is_known = users < self._num_users
        columns = {name: tf.where(is_known[:, tf.newaxis], values, popular[name]) for name, values in shown.items()}
        return columns | {names.IS_KNOWN: is_known}

    def _find(self, embedding: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns the best items for each of [n, width] vectors, seen or not; columns as those of `retrieve`."""
        return self._show(*self._nearest(embedding, k), k)

    def _nearest(self, queries: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns scores, -infinity for padding, and positions of items, [n, at most count] each."""
        count = tf.clip_by_value(count, 1, self._num_items)
        reordered = tf.clip_by_value(2 * count, min(_LEAST_REORDERED, self._num_items), self._num_items)
        items, scores = self._search_op(self._searcher.recreate_handle(), queries, count, reordered, -1, True)
        # The operator declares no static shape, and returns no columns for an empty batch.
        shape = [tf.shape(queries)[0], tf.shape(items)[1]]
        items, scores = tf.reshape(items, shape), tf.reshape(scores, shape)
        is_item = tf.math.is_finite(scores) & (items >= 0) & (items < self._num_items)
        return tf.where(is_item, scores, -np.inf), tf.where(is_item, items, self._num_items)

    def _show(self, scores: tf.Tensor, items: tf.Tensor, k: tf.Tensor) -> dict[str, tf.Tensor]:
        scores, places = tf.math.top_k(scores, tf.clip_by_value(k, 0, tf.shape(scores)[1]))
        items = tf.where(scores > -np.inf, tf.gather(items, places, batch_dims=1), self._num_items)
        padding = [[0, 0], [0, tf.maximum(k - tf.shape(items)[1], 0)]]
        items = tf.pad(items, padding, constant_values=self._num_items)
        return {
            names.ITEM_ID: tf.gather(self._items, items),
            names.TITLE: tf.gather(self._titles, items),
            names.SCORE: tf.pad(tf.where(scores > -np.inf, scores, 0.0), padding),
        }
