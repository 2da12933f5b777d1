"""Calls to the SavedModel's signatures."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.tflite_exporter.compare import Shown
from schemas import signatures as names


class Request(NamedTuple):
    """A request for items.

    user: id. history: ids of items, oldest first, may be empty. k: number of items.
    """

    user: bytes
    history: list[bytes]
    k: int

    def inputs(self) -> dict[str, np.ndarray]:
        """Returns the inputs of the on-device signature."""
        return {
            names.USER_ID: np.array([self.user]),
            # An empty array needs an explicit string type.
            names.HISTORY_ITEM_ID: np.array(self.history, None if self.history else "S1"),
            names.K: np.array(self.k, np.int32),
        }


class Server:
    """A loaded SavedModel."""

    def __init__(self, folder: str):
        """Loads the SavedModel from its folder."""
        self._model = tf.saved_model.load(folder)

    def rate(self, user_id: np.ndarray, item_id: np.ndarray) -> np.ndarray:
        """Returns the [n] ratings for [n] users and [n] items, without a time."""
        answer = self._model.signatures[names.RATE](
            **{
                names.USER_ID: tf.constant(user_id),
                names.ITEM_ID: tf.constant(item_id),
                names.TIMESTAMP: tf.constant([], tf.int64),
                names.RECENT_ITEM_ID: tf.constant([], tf.string, [0, 0]),
                names.RECENT_RATING: tf.zeros([0, 0]),
                names.RECENT_TIMESTAMP: tf.zeros([0, 0], tf.int64),
            }
        )
        return answer[names.RATING].numpy()

    def retrieve(self, request: Request, only: list[bytes]) -> Shown:
        """Returns the best items for a request, among `only`, or among all items if `only` is empty."""
        nothing = tf.constant([], tf.string)
        answer = self._model.signatures[names.RETRIEVE](
            **{
                names.USER_ID: tf.constant([request.user]),
                names.HISTORY_ITEM_ID: tf.constant(request.history, tf.string, [1, len(request.history)]),
                names.TIMESTAMP: tf.constant([], tf.int64),
                names.K: tf.constant(request.k),
                names.EXCLUDE: tf.constant([], tf.string, [0, 0]),
                names.ALLOW: tf.constant(only, tf.string),
                names.DENY: nothing,
                names.GENRE: nothing,
                names.INCLUDE_SEEN: tf.constant(False),
            }
        )
        return Shown(answer[names.ITEM_ID].numpy()[0], answer[names.SCORE].numpy()[0])
