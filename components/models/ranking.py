"""The model that predicts a rating."""

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from components.models.biases import DAMPING, Biases
from components.models.inputs import Catalogue, Events
from components.models.item_encoder import ItemEncoder
from components.models.pooling import HistoryPooling
from schemas import signatures as names
from schemas.settings import RankingSettings


class RankingModel(tfrs.Model):
    """rating = mean + b_u + b_i + <p_u, q_i>.

    As in SVD++ (Koren, "Factorization Meets the Neighborhood", 2008), p_u adds the vectors of the items rated to a
    vector of the user's own, and, as in the asymmetric model of the same paper, those of the items rated times
    the deviation of their rating from the biases. Most of b_u is computed from the history too, which never holds
    the rating to predict: a bias fitted to that rating would give it away.
    """

    def __init__(self, catalogue: Catalogue, popularity: np.ndarray, biases: Biases, settings: RankingSettings):
        """Makes the tables.

        Args:
          catalogue: users and items.
          popularity: [num_items] number of training events of each item.
          biases: mean and biases of the training events, from which the model starts.
          settings: width, dropouts and regularisation.
        """
        super().__init__()
        width = settings.embedding_dimension
        self.mean = biases.mean
        self._item_mean = tf.constant(biases.mean + biases.item)
        self._users = tf.keras.layers.Embedding(
            catalogue.num_users + 1, width, tf.keras.initializers.RandomNormal(stddev=0.05)
        )
        self._rated = HistoryPooling(catalogue.num_items, width, settings.history_dropout)
        self._liked = HistoryPooling(catalogue.num_items, width, settings.history_dropout)
        self._items = ItemEncoder(catalogue, popularity, width, settings.id_dropout)
        self._user_bias = tf.keras.layers.Embedding(catalogue.num_users + 1, 1, "zeros")
        self._item_bias = tf.keras.layers.Embedding(
            catalogue.num_items + 1, 1, tf.keras.initializers.Constant(biases.item[:, np.newaxis])
        )
        self._regularisation = settings.regularisation
        self._task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError(reduction="sum_over_batch_size"))

    def encode_users(
        self, users: tf.Tensor, history: tf.RaggedTensor, history_rating: tf.RaggedTensor, training: bool = False
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The user's side.

        Args:
          users: [n] integers, indices in `[0, num_users]`.
          history: [n, (events)] integers, item indices.
          history_rating: [n, (events)] float32, the ratings of these items.
          training: whether dropout applies.

        Returns:
          b_u, [n], and p_u, [n, embedding_dimension].
        """
        deviations = history_rating.flat_values - tf.gather(self._item_mean, history.flat_values)
        sums = tf.reduce_sum(history.with_flat_values(deviations), axis=1)
        bias = sums / (tf.cast(history.row_lengths(), tf.float32) + DAMPING)
        liking = history.with_flat_values(deviations - tf.gather(bias, history.value_rowids()))
        vectors = (
            self._users(users)
            + self._rated(history, training=training)
            + self._liked(history, liking, training=training)
        )
        return bias + tf.squeeze(self._user_bias(users), axis=1), vectors

    def encode_items(self, items: tf.Tensor, training: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
        """The item's side: [n] item indices to b_i, [n], and q_i, [n, embedding_dimension]."""
        return tf.squeeze(self._item_bias(items), axis=1), self._items(items, training=training)

    def forget_unfitted(self, events: Events) -> None:
        """Sets to 0 what no event of the fit has touched and is random noise to this day."""
        unfitted = np.bincount(events.user, minlength=self._users.input_dim) == 0
        self._users.embeddings.assign(tf.where(unfitted[:, np.newaxis], 0.0, self._users.embeddings))
        absent = np.bincount(events.history.values, minlength=self._items.num_items + 1) == 0
        for pooling in (self._rated, self._liked):
            pooling.forget(absent)

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """The mean squared error, and the mean squared biases and vectors times the regularisation.

        Args:
          inputs: `user_index`, `item_index` and `rating`, [batch_size]; `history_index` and `history_rating`,
            [batch_size, (events)].
          training: whether dropout applies.

        Returns:
          [] float32.
        """
        user_bias, user_vectors = self.encode_users(
            inputs[names.USER_INDEX], inputs[names.HISTORY_INDEX], inputs[names.HISTORY_RATING], training
        )
        item_bias, item_vectors = self.encode_items(inputs[names.ITEM_INDEX], training)
        ratings = self.mean + user_bias + item_bias + tf.reduce_sum(user_vectors * item_vectors, axis=1)
        error = self._task(labels=inputs[names.RATING], predictions=ratings, compute_metrics=False)
        # Per event, as in the papers: what is seen often is held down as often.
        learned_user_bias = tf.squeeze(self._user_bias(inputs[names.USER_INDEX]), axis=1)
        penalty = (
            tf.square(learned_user_bias)
            + tf.square(item_bias)
            + tf.reduce_sum(tf.square(user_vectors) + tf.square(item_vectors), axis=1)
        )
        return error + self._regularisation * tf.reduce_mean(penalty)
