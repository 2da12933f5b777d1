"""The network that predicts a rating."""

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.interactions.catalogue import Catalogue
from recommender.models.biases import DAMPING, Biases
from recommender.models.frequency import CountedFrequency
from recommender.models.item_encoder import ItemEncoder
from recommender.models.losses import draw_candidates, log_inclusion, softmax_loss
from recommender.models.pooling import drop_events, sum_pooling
from recommender.models.rating_head import RatingHead
from recommender.models.request_time import RequestTime
from schemas import signatures as names
from schemas.settings import NetworkSettings

Encoded = tuple[tf.Tensor, tf.Tensor]
"""Biases, [n], and vectors, [n, embedding_dimension], of users or items."""


class RankingModel(tfrs.Model):
    """rating = mean + b_u + b_i + b_t + <p_u + p_t, q_i> + head(p_u, q_i, t).

    As in SVD++ (Koren, "Factorization Meets the Neighborhood", 2008), p_u is the user's vector plus one vector of
    each rated item, plus, as in the asymmetric model of the same paper, a second vector of each rated item times the
    deviation of its rating from the biases. Most of b_u is computed from the history too, which never holds the rating
    to predict: a bias fitted to that rating would reveal it. t = (p_t, b_t) is the time's vector.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        popularity: np.ndarray,
        timestamps: np.ndarray,
        biases: Biases,
        settings: NetworkSettings,
    ):
        """Creates the tables.

        Args:
          catalogue: users and items.
          popularity: [num_items] number of training events of each item.
          timestamps: [n] seconds, of the training events.
          biases: mean and biases of the training events, from which the model starts.
          settings: features, widths, dropouts and weights of the parts of the loss.
        """
        super().__init__()
        width = settings.embedding_dimension
        self.num_users, self.num_items, self._settings = catalogue.num_users, catalogue.num_items, settings
        self._mean, self._item_mean = biases.mean, tf.constant(biases.mean + biases.item)
        self._is_rated = tf.constant(np.append(popularity > 0, False), tf.float32)
        self._frequency = CountedFrequency(popularity)
        self._items = ItemEncoder(catalogue, width, settings)
        self._users = self._make_table("user_embeddings", catalogue.num_users) if settings.user_id else None
        if settings.history:
            self._rated = self._make_table("rated_embeddings", catalogue.num_items)
            self._liked = self._make_table("liked_embeddings", catalogue.num_items)
        user_bias = np.zeros_like(biases.user) if settings.history else biases.user
        self._user_bias = self._make_biases("user_bias", user_bias)
        self._item_bias = self._make_biases("item_bias", biases.item)
        self._time, time_width = None, 0
        if settings.request_time:
            time_width = width + 1
            self._time = RequestTime(settings.request_time, timestamps, settings.time_buckets, time_width)
        self._head = None
        if settings.deep_layers:
            self._head = RatingHead(2 * width + time_width, settings.deep_layers, settings.head_regularization)
        self._task = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanSquaredError(reduction="sum_over_batch_size"))

    def _make_table(self, name: str, size: int) -> tf.Variable:
        # Small, since the histories of the most active users add up many of these rows.
        initializer = tf.keras.initializers.RandomNormal(stddev=0.05)
        return self.add_weight(name=name, shape=[size, self._settings.embedding_dimension], initializer=initializer)

    def _make_biases(self, name: str, start: np.ndarray) -> tf.Variable:
        return self.add_weight(name=name, shape=start.shape, initializer=tf.keras.initializers.Constant(start))

    @property
    def weights_after_encoding(self) -> list[tf.Variable]:
        """The variables that `encode_time` and `rate` read."""
        return [weight for layer in (self._time, self._head) if layer is not None for weight in layer.weights]

    def encode_users(
        self, users: tf.Tensor, history: tf.RaggedTensor, history_rating: tf.RaggedTensor, training: bool = False
    ) -> Encoded:
        """Encodes users.

        Args:
          users: [n] integers, indices in `[0, num_users]`; `num_users` stands for unknown ones.
          history: [n, (events)] integers, item indices in `[0, num_items)`.
          history_rating: [n, (events)] float32, the ratings of these items.
          training: whether dropout applies, and some users are treated as unknown.

        Returns:
          b_u and p_u; zeros for an unknown user.
        """
        known = self._drop(tf.cast(users < self.num_users, tf.float32), training)
        own = tf.minimum(users, self.num_users - 1)
        bias, vectors = tf.gather(self._user_bias, own), tf.zeros([1, self._settings.embedding_dimension])
        if self._users is not None:
            vectors += tf.gather(self._users, own)
        if self._settings.history:
            history_bias, history_vectors = self._encode_history(history, history_rating, training)
            bias, vectors = bias + history_bias, vectors + history_vectors
        return known * bias, known[:, tf.newaxis] * vectors

    def _encode_history(self, history: tf.RaggedTensor, ratings: tf.RaggedTensor, training: bool) -> Encoded:
        deviations = ratings.flat_values - tf.gather(self._item_mean, history.flat_values)
        sums = tf.reduce_sum(history.with_flat_values(deviations), axis=1)
        bias = sums / (tf.cast(history.row_lengths(), tf.float32) + DAMPING)
        liking = history.with_flat_values(deviations - tf.gather(bias, history.value_rowids()))
        if training:
            places = history.with_flat_values(tf.range(tf.size(history.flat_values)))
            kept = drop_events(places, self._settings.history_dropout)
            history = kept.with_flat_values(tf.gather(history.flat_values, kept.flat_values))
            liking = kept.with_flat_values(tf.gather(liking.flat_values, kept.flat_values))
        # Pooling divides by the norm of the weights; times their root mean square, by the square root of their number.
        squares = tf.reduce_sum(tf.square(liking), axis=1)
        strength = tf.sqrt(squares / tf.cast(tf.maximum(history.row_lengths(), 1), tf.float32))
        liked = sum_pooling(self._liked, history, liking) * strength[:, tf.newaxis]
        return bias, sum_pooling(self._rated, history) + liked

    def encode_items(self, items: tf.Tensor, training: bool = False) -> Encoded:
        """Encodes items.

        Args:
          items: [n] integers, indices in `[0, num_items]`; `num_items` stands for unknown ones.
          training: whether some items are treated as never rated.

        Returns:
          b_i and q_i; zeros for an unknown item; for one never rated, b_i is 0 and q_i comes from its content alone.
        """
        known = self._drop(tf.gather(self._is_rated, items), training)
        bias = tf.gather(self._item_bias, tf.minimum(items, self.num_items - 1))
        return known * bias, self._items(items, known)

    def encode_time(self, timestamps: tf.Tensor) -> tf.Tensor:
        """Encodes [n] int64 seconds as [n, embedding_dimension + 1], p_t and b_t; [n, 0] if time is not a feature."""
        if self._time is None:
            return tf.zeros([tf.shape(timestamps)[0], 0])
        return self._time(timestamps)

    def rate(self, users: Encoded, items: Encoded, times: tf.Tensor) -> tf.Tensor:
        """Returns ratings, [n], not clipped to a scale, of encoded users, items and times."""
        (user_bias, user_vectors), (item_bias, item_vectors) = users, items
        ratings, queries = self._mean + user_bias + item_bias, user_vectors
        if self._time is not None:
            ratings, queries = ratings + times[:, -1], queries + times[:, :-1]
        ratings += tf.reduce_sum(queries * item_vectors, axis=1)
        if self._head is not None:
            ratings += self._head(tf.concat([user_vectors, item_vectors, times], axis=1))
        return ratings

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the mean squared error plus the penalty and the second task's loss, both times their weights.

        The head's penalty is among the model's `losses`, which TFRS adds.

        Args:
          inputs: `user_index`, `item_index`, `rating` and `timestamp`, [batch_size]; `history_index` and
            `history_rating`, [batch_size, (events)].
          training: whether dropout applies.

        Returns:
          [] float32.
        """
        history, history_rating = inputs[names.HISTORY_INDEX], inputs[names.HISTORY_RATING]
        users = self.encode_users(inputs[names.USER_INDEX], history, history_rating, training)
        items = self.encode_items(inputs[names.ITEM_INDEX], training)
        times = self.encode_time(inputs[names.TIMESTAMP])
        loss = self._task(inputs[names.RATING], self.rate(users, items, times), compute_metrics=False)
        # Per event, as in the papers: what occurs often is penalised as often.
        learned = [tf.gather(self._user_bias, inputs[names.USER_INDEX])[:, tf.newaxis], users[1]]
        penalty = tf.square(tf.concat([*learned, items[0][:, tf.newaxis], items[1], times], axis=1))
        loss += self._settings.regularization * tf.reduce_mean(tf.reduce_sum(penalty, axis=1))
        if self._settings.retrieval_weight:
            loss += self._settings.retrieval_weight * self._retrieval_loss(users[1], inputs[names.ITEM_INDEX], training)
        return loss

    def _retrieval_loss(self, queries: tf.Tensor, items: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns the softmax loss of each event's item among the distinct items of the batch."""
        candidates, columns = draw_candidates(items, self.num_items, num_uniform=0)
        correction = log_inclusion(self._frequency(candidates, items), self.num_items, 0)
        logits = tf.matmul(queries, self.encode_items(candidates, training)[1], transpose_b=True)
        return softmax_loss(logits, tf.range(tf.size(items)), columns, correction)

    def _drop(self, known: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns [n] float32, 1 for known ones; in training, some of them are treated as unknown."""
        if not training:
            return known
        return known * tf.cast(tf.random.uniform(tf.shape(known)) >= self._settings.id_dropout, tf.float32)
