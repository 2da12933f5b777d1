"""Rules for the items that may be shown."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.ragged import Ragged
from recommender.serving.branches import choose
from recommender.serving.lookup import find, index


class Rules(NamedTuple):
    """The rules for all rows of a request, [n] strings each; empty strings are padding.

    A rule applies if it has other strings. allow: only these items. deny: none of these items. genre: only items of one
    of these genres.
    """

    allow: tf.Tensor
    deny: tf.Tensor
    genre: tf.Tensor


class Permissions(tf.Module):
    """Sets the scores of items that may not be shown to -infinity."""

    def __init__(self, item_index: tf.lookup.StaticHashTable, genres: list[bytes], item_genres: Ragged):
        """Takes the catalogue.

        Args:
          item_index: positions by id.
          genres: names by index.
          item_genres: [num_items] rows of indices in `[0, len(genres)]`; `len(genres)` stands for unknown genres.
        """
        super().__init__()
        self._item_index, self._genre_index, self._num_genres = item_index, index(genres), len(genres)
        self._num_items = len(item_genres.row_splits) - 1
        self._genres = tf.Variable(item_genres.values.astype(np.int32), trainable=False)
        self._genre_items = tf.Variable(item_genres.rows.astype(np.int32), trainable=False)

    def apply(self, scores: tf.Tensor, rules: Rules) -> tf.Tensor:
        """Returns scores, [n, num_items], with -infinity where a rule forbids the item or the score is not finite."""
        scores = tf.where(tf.math.is_finite(scores), scores, -np.inf)
        return choose(
            tf.size(rules.allow) + tf.size(rules.deny) + tf.size(rules.genre) > 0,
            lambda: tf.where(self._permitted(*rules), scores, -np.inf),
            lambda: scores,
        )

    def _permitted(self, allow: tf.Tensor, deny: tf.Tensor, genre: tf.Tensor) -> tf.Tensor:
        """Returns which items are permitted, [num_items] bool; arguments as in `Rules`."""
        # Empty strings are padding.
        allow, genre = (tf.boolean_mask(ids, ids != "") for ids in (allow, genre))
        permitted = ~self._members(deny)
        permitted &= (tf.size(allow) == 0) | self._members(allow)
        asked = _flags(find(self._genre_index, genre), self._num_genres + 1)
        # The unknown genre stands for many genres, so that no request can name it.
        asked &= tf.range(self._num_genres + 1) < self._num_genres
        hits = tf.boolean_mask(self._genre_items, tf.gather(asked, self._genres))
        return permitted & ((tf.size(genre) == 0) | _flags(hits, self._num_items))

    def _members(self, ids: tf.Tensor) -> tf.Tensor:
        return _flags(find(self._item_index, ids), self._num_items + 1)[: self._num_items]


def remove(scores: tf.Tensor, rows: tf.Tensor, items: tf.Tensor) -> tf.Tensor:
    """Returns scores, [n, num_items], with -infinity at the cells of rows and items, [cells] int32 each."""
    return tf.tensor_scatter_nd_update(scores, tf.stack([rows, items], axis=1), tf.fill(tf.shape(items), -np.inf))


def _flags(positions: tf.Tensor, size: int) -> tf.Tensor:
    """Returns [size] bool, true at each of [n] positions."""
    nothing = tf.zeros([size], tf.bool)
    return tf.tensor_scatter_nd_update(nothing, positions[:, tf.newaxis], tf.ones_like(positions, tf.bool))
