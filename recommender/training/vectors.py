"""Encodes all users and items as vectors."""

from typing import Protocol

import numpy as np
import tensorflow as tf

from recommender.interactions.contexts import Contexts
from recommender.interactions.ragged import Ragged

_ROWS_AT_ONCE = 8_192


class Encoder(Protocol):
    """A model whose scores are dot products."""

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes [n] users, [n, (events)] items and [n] seconds as [n, width] float32."""

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        """Encodes [n] items as [n, width]."""


def as_ragged(rows: Ragged) -> tf.RaggedTensor:
    """Returns the same rows, [num_rows, (values)]."""
    return tf.RaggedTensor.from_row_splits(tf.constant(rows.values), tf.constant(rows.row_splits, tf.int64))


def encode_users(model: Encoder, contexts: Contexts, users: np.ndarray | None = None) -> np.ndarray:
    """Encodes the queries of users, [n] indices, by default of every user and then the unknown one.

    Returns:
      [n, width] float32.
    """
    unknown = len(contexts.timestamps) - 1
    users = np.arange(unknown + 1) if users is None else users
    histories, timestamps = contexts.histories.take(users), contexts.timestamps[users]
    # The row of a user without events was never fitted; that of the unknown user was.
    known = np.where(np.diff(histories.row_splits) > 0, users, unknown)
    history = as_ragged(histories)
    return np.concatenate(
        [
            model.encode_queries(known[rows], history[rows.start : rows.stop], timestamps[rows])
            for rows in _blocks(len(users))
        ]
    )


def encode_candidates(model: Encoder, num_items: int) -> np.ndarray:
    """Encodes every item: [num_items, width] float32."""
    items = np.arange(num_items)
    return np.concatenate([model.encode_candidates(items[rows]) for rows in _blocks(num_items)])


def _blocks(num_rows: int) -> list[slice]:
    return [slice(begin, min(begin + _ROWS_AT_ONCE, num_rows)) for begin in range(0, num_rows, _ROWS_AT_ONCE)]
