"""Training queries, made from the events of users."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.training.vectors import as_ragged
from schemas import signatures as names

_LEAST_IN_A_BLOCK = 5
_PARTS_LIMIT = 1_000_000
_LEAST_QUERIES = 8_192
"""Beyond this number of queries, an epoch has only as many as there are users."""
_BATCHES, _PREDICTED = 1_000, 8
"""An epoch of more batches has larger ones, until their queries would predict this many items each."""


class QueryBatches:
    """Batches of queries, each of which holds some of a user's items and predicts the others.

    In each epoch, a user's items are divided into new parts, and each part is predicted from the others: once if there
    are few queries, else with the probability that makes one query per user.
    `scattered`: items are assigned to parts at random, and the time of the request is the mean time of the items to
    predict. `blocks`: a part is a block of consecutive events, and the time of the request is its start. The history
    may be older or newer: items go together in both directions, and a model of the future alone has half the data.
    """

    def __init__(self, events: Interactions, kind: str, parts: int, history_length: int, batch_size: int, seed: int):
        """Sets how queries are drawn.

        Args:
          events: training events of known users with known items.
          kind: `scattered` or `blocks`.
          parts: number of parts of a user's items; fewer if blocks would hold fewer than five items, and one more if
            the first and the last block are cut short.
          history_length: maximum number of items in a history; the latest are kept.
          batch_size: approximate number of queries in a batch: their number differs between epochs, that of batches
            does not. With more than 1,000 batches, a batch of many short queries is larger: it predicts up to
            8 * `batch_size` items.
          seed: seed of parts and order.
        """
        self._events, self._kind, self._parts = events.distinct, kind, parts
        self._history_length = history_length
        self._splits = self._events.row_splits
        self._counts = np.diff(self._splits)
        self._user = self._events.items.rows
        self._place = np.arange(len(self._user)) - self._splits[self._user]
        self._most = max(_LEAST_QUERIES, np.count_nonzero(self._counts))
        num_queries = min(self._most, len(np.unique(self._draw_queries(np.random.default_rng(seed)))))
        large = max(_BATCHES, -(-len(self._user) // (_PREDICTED * batch_size)))
        self.num_batches = min(-(-num_queries // batch_size), large)
        self._generator = np.random.default_rng(seed)

    def dataset(self) -> tf.data.Dataset:
        """Returns the batches of an epoch by feature name.

        `user_index` and `timestamp`: [batch]; `history_index` and `item_index`, the items to predict: [batch, (items)];
        `weight`, of these: [batch, (items)], if weights differ.
        """
        ragged = tf.RaggedTensorSpec([None, None], tf.int32, row_splits_dtype=tf.int64)
        signature = {
            names.USER_INDEX: tf.TensorSpec([None], tf.int32),
            names.TIMESTAMP: tf.TensorSpec([None], tf.int64),
            names.HISTORY_INDEX: ragged,
            names.ITEM_INDEX: ragged,
        }
        if self._events.has_weights:
            signature[names.WEIGHT] = tf.RaggedTensorSpec([None, None], tf.float32, row_splits_dtype=tf.int64)
        return tf.data.Dataset.from_generator(self._epoch, output_signature=signature).prefetch(2)

    def _epoch(self) -> Iterator[dict[str, tf.Tensor | tf.RaggedTensor]]:
        drawn = self._draw_queries(self._generator)
        queries, query = np.unique(drawn, return_inverse=True)
        times = self._request_times(query)
        # Keras ends the whole fit at an epoch with fewer batches than the first.
        for chosen in np.array_split(self._generator.permutation(len(queries))[: self._most], self.num_batches):
            users = queries[chosen] // _PARTS_LIMIT
            lengths = self._counts[users]
            row = np.repeat(np.arange(len(chosen)), lengths)
            starts = self._splits[users] - (np.cumsum(lengths) - lengths)
            events = np.arange(len(row)) + np.repeat(starts, lengths)
            asked = drawn[events] == queries[chosen][row]
            targets = self._rows(events[asked], row[asked], len(chosen), None)
            batch = {
                names.USER_INDEX: tf.constant(users, tf.int32),
                names.TIMESTAMP: tf.constant(times[chosen], tf.int64),
                names.HISTORY_INDEX: self._rows(events[~asked], row[~asked], len(chosen), self._history_length),
                names.ITEM_INDEX: targets,
            }
            if self._events.has_weights:
                batch[names.WEIGHT] = targets.with_flat_values(tf.constant(self._events.weight[events[asked]]))
            yield batch

    def _draw_queries(self, generator: np.random.Generator) -> np.ndarray:
        """Returns the query that predicts each item, [number of items]: a million times its user, plus its part."""
        if self._kind == "scattered":
            part = generator.integers(0, self._parts, len(self._user))
        else:
            size = np.maximum(-(-self._counts // self._parts), _LEAST_IN_A_BLOCK)
            offset = generator.integers(0, size)
            part = (self._place + offset[self._user]) // size[self._user]
        return self._user * _PARTS_LIMIT + part

    def _request_times(self, query: np.ndarray) -> np.ndarray:
        """Returns the times of the queries, [num_queries] seconds."""
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
