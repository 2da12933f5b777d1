"""Pairs of items that a user chose shortly after each other."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from recommender.interactions.interactions import Interactions
from schemas.errors import DataError


class NeighbourBatches:
    """Batches of items, each with the items of the same user's events a few places before or after.

    Every event is the query once per epoch, with the neighbours up to a distance that is drawn from 1 to `window`, so
    that near ones count most (as in word2vec: Mikolov et al., "Efficient Estimation of Word Representations", 2013).
    """

    def __init__(self, events: Interactions, window: int, batch_size: int, seed: int):
        """Takes the distinct items of each user.

        Args:
          events: training events of known users with known items.
          window: maximum distance in places, at least 1.
          batch_size: approximate number of events in a batch.
          seed: seed of the order and of the distances.

        Raises:
          DataError: no user has events with two items.
        """
        self._generator = np.random.default_rng(seed)
        distinct = events.distinct
        self._user, self._item = distinct.user, distinct.item
        self._asking = np.flatnonzero(np.diff(distinct.row_splits)[self._user] > 1)
        if not len(self._asking):
            raise DataError(
                f"expected a user with at least two items, to learn similar items from, found none in {len(events)} "
                'events; provide more data, or set similar.model to "item_tower"'
            )
        self._window = window
        self.num_batches = -(-len(self._asking) // batch_size)

    def dataset(self) -> tf.data.Dataset:
        """Returns the batches of an epoch: [batch] items, and their neighbours, [batch, (items)], both int32."""
        signature = (
            tf.TensorSpec([None], tf.int32),
            tf.RaggedTensorSpec([None, None], tf.int32, row_splits_dtype=tf.int64),
        )
        return tf.data.Dataset.from_generator(self._epoch, output_signature=signature).prefetch(2)

    def _epoch(self) -> Iterator[tuple[tf.Tensor, tf.RaggedTensor]]:
        for places in np.array_split(self._generator.permutation(self._asking), self.num_batches):
            yield tf.constant(self._item[places]), self._neighbours(places)

    def _neighbours(self, places: np.ndarray) -> tf.RaggedTensor:
        """Returns the neighbours, [n, (items)], of the events at [n] places."""
        offsets = np.concatenate([np.arange(-self._window, 0), np.arange(1, self._window + 1)])
        reach = self._generator.integers(1, self._window + 1, [len(places), 1])
        others = places[:, np.newaxis] + offsets
        within = (others >= 0) & (others < len(self._user)) & (np.abs(offsets) <= reach)
        others = np.where(within, others, 0)
        within &= self._user[others] == self._user[places][:, np.newaxis]
        return tf.RaggedTensor.from_row_lengths(self._item[others[within]], within.sum(axis=1))
