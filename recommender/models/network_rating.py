"""The fitted network in its exported form."""

import tensorflow as tf

from recommender.models.mood import GivenRatings
from recommender.models.ranking import Encoded, RankingModel


class NetworkRating(tf.Module):
    """Ratings from tables: users and items are encoded in advance, and only the head is computed.

    Traced functions hold only stock operators, and without timestamps only those that TFLite has.
    """

    def __init__(self, model: RankingModel, users: Encoded, items: Encoded, times: tf.Tensor):
        """Takes the encoded users, items and times.

        Args:
          model: the fitted model.
          users: all known users and the unknown one, [num_users + 1].
          items: all known items and the unknown one, [num_items + 1].
          times: [num_users + 1, width], the default time of each user's requests.
        """
        super().__init__()
        self._users, self._items = [*map(_table, users)], [*map(_table, items)]
        self._times = _table(times)
        # Methods, which a SavedModel does not store, and their variables: saving Keras's layers would add much else.
        self._encode_time, self._combine = model.encode_time, model.rate
        self._weights = model.weights_after_encoding

    def moments(self, users: tf.Tensor, timestamps: tf.Tensor, given: GivenRatings | None = None) -> tf.Tensor:
        """Encodes the times of requests, for `rate`; the network does not use recent ratings.

        Args:
          users: [n] int32, not used.
          timestamps: [n] int64, seconds.
          given: not used.

        Returns:
          [n, width] float32.
        """
        return self._encode_time(timestamps)

    def rate(self, users: tf.Tensor, items: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        """Predicts ratings.

        Args:
          users: [n] int32, indices in `[0, num_users]`; without moments also [n, 1].
          items: [n] int32, indices in `[0, num_items]`; without moments also [n, m].
          moments: [n, width] float32, encoded times; None: the users' defaults.

        Returns:
          float32 of the shape of `items`, not clipped to a scale.
        """
        if len(users.shape) == 2:
            raters = tf.broadcast_to(users, tf.shape(items))
            return tf.reshape(self.rate(tf.reshape(raters, [-1]), tf.reshape(items, [-1])), tf.shape(items))
        times = tf.gather(self._times, users) if moments is None else moments
        return self._combine(_rows(self._users, users), _rows(self._items, items), times)


def _table(values: tf.Tensor) -> tf.Variable:
    return tf.Variable(values, trainable=False)


def _rows(tables: list[tf.Variable], rows: tf.Tensor) -> Encoded:
    biases, vectors = tables
    return tf.gather(biases, rows), tf.gather(vectors, rows)
