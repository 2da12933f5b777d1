"""Training examples of ratings, each with the other ratings of its user."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from recommender.interactions.interactions import Interactions
from schemas import signatures as names

Histories = tuple[tf.RaggedTensor, tf.RaggedTensor]
"""Item indices and their ratings, [n, (events)], oldest first."""


class UserRatings:
    """Histories of the events of known users with known items."""

    def __init__(self, events: Interactions):
        """Takes the events."""
        self.events, self._splits = events, events.row_splits

    def latest(self, users: np.ndarray, length: int) -> Histories:
        """Returns the latest events, at most `length`, of each of [n] users; the unknown user has none."""
        ends = self._splits[users + 1]
        return self._stretches(np.maximum(self._splits[users], ends - length), ends)

    def others(self, rows: np.ndarray, length: int, method: str) -> Histories:
        """Returns the history from which each event at `rows` is predicted.

        Args:
          rows: [n] positions in `events`.
          length: maximum number of events in a history.
          method: of the split; `random` takes the user's latest other events, the others the latest earlier ones.

        Returns:
          Histories without the event itself and others of the same user with the same item.
        """
        users = self.events.user[rows]
        if method != "random":
            ends, own = rows, 0
        else:
            ends = self._splits[users + 1]
            own = ends - rows <= length  # then one more is taken, since the event itself is left out
        begins = np.maximum(self._splits[users], ends - length - own)
        return self._stretches(begins, ends, self.events.item[rows])

    def _stretches(self, begins: np.ndarray, ends: np.ndarray, left_out: np.ndarray | None = None) -> Histories:
        """Returns the events from `begins` to before `ends`, [n] each, without those of the items `left_out`, [n]."""
        lengths = ends - begins
        row = np.repeat(np.arange(len(begins)), lengths)
        places = np.arange(len(row)) + np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
        if left_out is not None:
            kept = self.events.item[places] != left_out[row]
            row, places = row[kept], places[kept]
        splits = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(begins)))])
        items = tf.RaggedTensor.from_row_splits(self.events.item[places], splits)
        return items, items.with_flat_values(tf.constant(self.events.rating[places]))


class RatingBatches:
    """Batches of events, in a new random order each epoch."""

    def __init__(self, ratings: UserRatings, history_length: int, method: str, batch_size: int, seed: int):
        """Sets how batches are drawn; see `UserRatings.others` for `history_length` and `method`."""
        self._ratings, self._history_length, self._method = ratings, history_length, method
        self._batch_size, self._generator = batch_size, np.random.default_rng(seed)

    def num_batches(self) -> int:
        """Returns the number of batches in an epoch."""
        return -(-len(self._ratings.events) // self._batch_size)

    def dataset(self) -> tf.data.Dataset:
        """Returns the batches of an epoch: the inputs of `RankingModel.compute_loss`."""
        signature = {
            names.USER_INDEX: tf.TensorSpec([None], tf.int32),
            names.ITEM_INDEX: tf.TensorSpec([None], tf.int32),
            names.RATING: tf.TensorSpec([None], tf.float32),
            names.TIMESTAMP: tf.TensorSpec([None], tf.int64),
            names.HISTORY_INDEX: tf.RaggedTensorSpec([None, None], tf.int32),
            names.HISTORY_RATING: tf.RaggedTensorSpec([None, None], tf.float32),
        }
        return tf.data.Dataset.from_generator(self._epoch, output_signature=signature).prefetch(2)

    def _epoch(self) -> Iterator[dict[str, np.ndarray | tf.RaggedTensor]]:
        events = self._ratings.events
        order = self._generator.permutation(len(events))
        for begin in range(0, len(order), self._batch_size):
            rows = order[begin : begin + self._batch_size]
            items, ratings = self._ratings.others(rows, self._history_length, self._method)
            yield {
                names.USER_INDEX: events.user[rows],
                names.ITEM_INDEX: events.item[rows],
                names.RATING: events.rating[rows],
                names.TIMESTAMP: events.timestamp[rows],
                names.HISTORY_INDEX: items,
                names.HISTORY_RATING: ratings,
            }
