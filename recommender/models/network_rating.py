"""The fitted network as it is exported."""

import tensorflow as tf

from recommender.models.ranking import Encoded, RankingModel


class NetworkRating(tf.Module):
    """Ratings from tables: every user and item is encoded beforehand, only the head is computed.

    What is traced holds stock operators alone, and without timestamps such that TFLite has.
    """

    def __init__(self, model: RankingModel, users: Encoded, items: Encoded, times: tf.Tensor):
        """Takes what was encoded.

        Args:
          model: fitted.
          users: of all known users and the unknown one, [num_users + 1].
          items: of all known items and the unknown one, [num_items + 1].
          times: [num_users + 1, width], of the users' requests where no time is given.
        """
        super().__init__()
        self._users, self._items = [*map(_table, users)], [*map(_table, items)]
        self._times = _table(times)
        # Methods, which a SavedModel leaves out, and their variables: Keras's layers would be saved with much else.
        self._encode_time, self._combine = model.encode_time, model.rate
        self._weights = model.weights_after_encoding

    def rate(self, users: tf.Tensor, items: tf.Tensor, timestamps: tf.Tensor | None = None) -> tf.Tensor:
        """Predicts ratings.

        Args:
          users: [n] int32, indices in `[0, num_users]`.
          items: [n] int32, indices in `[0, num_items]`.
          timestamps: [n] int64, seconds; absent, the user's default.

        Returns:
          [n] float32, not clipped to a scale.
        """
        times = tf.gather(self._times, users) if timestamps is None else self._encode_time(timestamps)
        return self._combine(_rows(self._users, users), _rows(self._items, items), times)


def _table(values: tf.Tensor) -> tf.Variable:
    return tf.Variable(values, trainable=False)


def _rows(tables: list[tf.Variable], rows: tf.Tensor) -> Encoded:
    biases, vectors = tables
    return tf.gather(biases, rows), tf.gather(vectors, rows)
