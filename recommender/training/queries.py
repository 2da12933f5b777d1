"""Training queries, made of what users did."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.training.vectors import as_ragged
from schemas import signatures as names

_LEAST_IN_A_BLOCK = 5
_PARTS_LIMIT = 1_000_000


class QueryBatches:
    """Batches of queries, each of which holds a part of a user's items and asks for the others.

    In each epoch a user's items are divided into parts again, and each part is asked for once. `scattered`: an item
    falls into a part by chance, and the request is made at the mean time of those asked for. `blocks`: a part is a
    stretch of consecutive events, and the request is made at its begin. The rest of the history may be older or
    younger: what goes together does so in both directions, and a model of the future alone has half the data.
    """

    def __init__(self, events: Interactions, kind: str, parts: int, history_length: int, batch_size: int, seed: int):
        """Sets the rules.

        Args:
          events: training events of known users with known items.
          kind: `scattered` or `blocks`.
          parts: into how many parts a user's items fall; fewer if that leaves blocks of less than five, and one more
            where the first and the last block of a stretch are cut short.
          history_length: at most so many of the latest items are held.
          batch_size: queries in a batch, about: epochs differ in their number of queries, and not in `num_batches`.
          seed: of parts and order.
        """
        self._events, self._kind, self._parts = events.distinct, kind, parts
        self._history_length = history_length
        self._splits = self._events.row_splits
        self._counts = np.diff(self._splits)
        self._user = self._events.items.rows
        self._place = np.arange(len(self._user)) - self._splits[self._user]
        num_queries = len(np.unique(self._draw_queries(np.random.default_rng(seed))))
        self.num_batches = -(-num_queries // batch_size)
        self._generator = np.random.default_rng(seed)

    def dataset(self) -> tf.data.Dataset:
        """One epoch's batches by feature name.

        `user_index` and `timestamp`: [batch]; `history_index` and `item_index`, the items asked for: [batch, (items)].
        """
        ragged = tf.RaggedTensorSpec([None, None], tf.int32, row_splits_dtype=tf.int64)
        signature = {
            names.USER_INDEX: tf.TensorSpec([None], tf.int32),
            names.TIMESTAMP: tf.TensorSpec([None], tf.int64),
            names.HISTORY_INDEX: ragged,
            names.ITEM_INDEX: ragged,
        }
        return tf.data.Dataset.from_generator(self._epoch, output_signature=signature).prefetch(2)

    def _epoch(self) -> Iterator[dict[str, tf.Tensor | tf.RaggedTensor]]:
        drawn = self._draw_queries(self._generator)
        queries, query = np.unique(drawn, return_inverse=True)
        times = self._request_times(query)
        # Keras ends the whole fit at an epoch with fewer batches than the first.
        for chosen in np.array_split(self._generator.permutation(len(queries)), self.num_batches):
            users = queries[chosen] // _PARTS_LIMIT
            lengths = self._counts[users]
            row = np.repeat(np.arange(len(chosen)), lengths)
            starts = self._splits[users] - (np.cumsum(lengths) - lengths)
            events = np.arange(len(row)) + np.repeat(starts, lengths)
            asked = drawn[events] == queries[chosen][row]
            yield {
                names.USER_INDEX: tf.constant(users, tf.int32),
                names.TIMESTAMP: tf.constant(times[chosen], tf.int64),
                names.HISTORY_INDEX: self._rows(events[~asked], row[~asked], len(chosen), self._history_length),
                names.ITEM_INDEX: self._rows(events[asked], row[asked], len(chosen), None),
            }

    def _draw_queries(self, generator: np.random.Generator) -> np.ndarray:
        """[number of values] which query asks for each item: a million times its user, plus its part."""
        if self._kind == "scattered":
            part = generator.integers(0, self._parts, len(self._user))
        else:
            size = np.maximum(-(-self._counts // self._parts), _LEAST_IN_A_BLOCK)
            offset = generator.integers(0, size)
            part = (self._place + offset[self._user]) // size[self._user]
        return self._user * _PARTS_LIMIT + part

    def _request_times(self, query: np.ndarray) -> np.ndarray:
        """[num_queries] seconds."""
        if self._kind == "scattered":
            first = self._events.timestamp.min()
            means = np.bincount(query, self._events.timestamp - first) / np.bincount(query)
            return first + means.astype(np.int64)
        return self._events.timestamp[np.unique(query, return_index=True)[1]]

    def _rows(self, events: np.ndarray, row: np.ndarray, num_rows: int, length: int | None) -> tf.RaggedTensor:
        splits = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=num_rows))])
        values = Ragged(self._events.item[events], splits)
        if length is not None:
            values = values.keep(splits[1:][row] - np.arange(len(row)) <= length)
        return as_ragged(values)
