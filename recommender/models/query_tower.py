"""The query tower: encodes user, history and time of a request as one vector."""

import numpy as np
import tensorflow as tf

from recommender.models.item_encoder import ItemEncoder, ItemTable
from recommender.models.pooling import drop_events, sum_pooling
from recommender.models.request_time import RequestTime
from schemas.settings import RetrievalSettings


class QueryTower(tf.keras.layers.Layer):
    """Sum of the vectors of the user, of the pooled history and of the time."""

    def __init__(
        self,
        num_users: int,
        items: ItemEncoder | None,
        timestamps: np.ndarray,
        width: int,
        settings: RetrievalSettings,
    ):
        """Creates the tables in the settings.

        Args:
          num_users: number of known users.
          items: encodes the items of histories; None if the settings leave histories out.
          timestamps: [n] seconds, of the training events.
          width: width of the vectors.
          settings: features and dropouts.
        """
        super().__init__()
        self._settings, self.num_users, self._width = settings, num_users, width
        self._items: ItemEncoder | ItemTable | None = items
        self._users = None
        if settings.user_id:
            self._users = self.add_weight(
                name="user_embeddings",
                shape=[num_users + 1, width],
                initializer=tf.keras.initializers.RandomNormal(stddev=0.05),
            )
        self._time = None
        if settings.request_time:
            self._time = RequestTime(settings.request_time, timestamps, settings.time_buckets, width)
        self._dropout = tf.keras.layers.Dropout(settings.dropout)

    def call(
        self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Encodes queries.

        Args:
          users: [num_queries] integers, indices in `[0, num_users]`.
          history: [num_queries, (events)] integers, item indices, oldest first.
          timestamps: [num_queries] int64, seconds, of the requests.
          training: whether dropout applies.

        Returns:
          [num_queries, width].
        """
        vectors = tf.zeros([tf.shape(users)[0], self._width])
        if self._users is not None:
            vectors += tf.gather(self._users, users)
        if training:
            history = drop_events(history, self._settings.history_dropout)
        if self._items is not None:
            vectors += self._encode_history(history, self._items)
        if self._time is not None:
            vectors += self._time(timestamps)
        return self._dropout(vectors, training=training)

    def _encode_history(self, history: tf.RaggedTensor, encoder: ItemEncoder | ItemTable) -> tf.Tensor:
        items, positions = tf.unique(history.flat_values)
        rows = history.with_flat_values(positions)
        vectors = encoder(items, tf.cast(items < encoder.num_items, tf.float32))
        return sum_pooling(vectors, rows)

    def forget_users(self, users: np.ndarray) -> None:
        """Replaces the vectors of some users, [num_users + 1] bool, by that of the unknown user."""
        if self._users is not None:
            self._users.assign(tf.where(users[:, np.newaxis], self._users[-1], self._users))

    def tabulate_items(self) -> None:
        """Replaces the encoder of the histories' items by a table of its vectors; to be called after the fit."""
        if isinstance(self._items, ItemEncoder):
            self._items = ItemTable(self._items)
