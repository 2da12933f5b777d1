"""The model that proposes candidates: one tower for queries, one for items, and a dot product."""

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.interactions.catalogue import Catalogue
from recommender.models.frequency import CountedFrequency
from recommender.models.fused_adam import is_large
from recommender.models.item_encoder import ItemEncoder
from recommender.models.losses import draw_candidates, log_inclusion, softmax_loss
from recommender.models.query_tower import QueryTower
from schemas import signatures as names
from schemas.settings import RetrievalSettings

_WIDTHS, _MOST_NUMBERS = (128, 64), 2**22
"""Widths of the vectors, and the maximum size of the tables of users and items, of which the last may be larger."""


class TwoTowerModel(tfrs.Model):
    """Two towers, fitted with a softmax over the catalogue or over a sample of a large one.

    A training query holds some of a user's events and predicts several others at once, as in Mult-VAE (Liang et al.,
    "Variational Autoencoders for Collaborative Filtering", 2018): one row of logits serves many positives. Unlike
    there, the items to predict are never part of the query.
    """

    def __init__(
        self, catalogue: Catalogue, popularity: np.ndarray, timestamps: np.ndarray, settings: RetrievalSettings
    ):
        """Creates the towers.

        Args:
          catalogue: users and items.
          popularity: [num_items] number of training events of each item; see `count`.
          timestamps: [n] seconds, of the training events.
          settings: features, widths, dropouts and the loss.
        """
        super().__init__()
        width = settings.embedding_dimension or _width(catalogue)
        self._settings, self._num_users, self._num_items = settings, catalogue.num_users, catalogue.num_items
        self._items = ItemEncoder(catalogue, width, settings)
        history_items = None
        if settings.history != "none":
            history_items = ItemEncoder(catalogue, width, settings)
        self._query_tower = QueryTower(catalogue.num_users, history_items, timestamps, width, settings)
        # The bias starts as the logarithm of popularity.
        self._item_bias = self.add_weight(
            name="item_bias",
            shape=[catalogue.num_items],
            initializer=tf.keras.initializers.Constant(np.log1p(popularity)),
        )
        self._is_rated = tf.Variable((popularity > 0).astype(np.float32), trainable=False)
        self._is_scored_in_full = catalogue.num_items <= settings.full_softmax_items
        self._frequency = CountedFrequency(popularity)

    def count(self, popularity: np.ndarray) -> None:
        """Sets the numbers of events of the items, [num_items], to which the towers will be fitted further."""
        self._is_rated.assign((popularity > 0).astype(np.float32))
        self._frequency.count(popularity)

    @property
    def item_bias(self) -> np.ndarray:
        """[num_items] float32, the last column of `encode_candidates`."""
        return self._item_bias.numpy()

    @property
    def query_weights(self) -> list[tf.Variable]:
        """All variables that `encode_queries` reads."""
        return self._query_tower.weights

    def encode_queries(
        self, users: tf.Tensor, history: tf.RaggedTensor, timestamps: tf.Tensor, training: bool = False
    ) -> tf.Tensor:
        """Encodes queries: see `QueryTower.call`.

        Returns:
          [num_queries, width + 1]; the last number is 1 and is multiplied by the item's bias.
        """
        vectors = self._query_tower(users, history, timestamps, training=training)
        return tf.concat([vectors, tf.ones_like(vectors[:, :1])], axis=1)

    def encode_candidates(self, items: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Encodes candidates.

        Args:
          items: [n] integers, indices in `[0, num_items)`.
          training: whether the own vectors of a share of the items are withheld.

        Returns:
          [n, width + 1], the last number a bias.
        """
        known = tf.gather(self._is_rated, items)
        if training:
            known *= tf.cast(tf.random.uniform(tf.shape(items)) >= self._settings.id_dropout, tf.float32)
        return tf.concat([self._items(items, known), tf.gather(self._item_bias, items)[:, tf.newaxis]], axis=1)

    def forget_unfitted(self, users: np.ndarray) -> None:
        """Replaces parameters that no event of the fit has trained; `users`, [n], are the users of the events.

        A user without events, whose vector is still random noise, gets that of the unknown user. An item without events
        has only been a negative: it gets the median bias, so that its content decides.
        """
        unfitted = np.bincount(users, minlength=self._num_users + 1) == 0
        unfitted[-1] = False
        self._query_tower.forget_users(unfitted)
        bias, is_rated = self._item_bias.numpy(), self._is_rated.numpy() > 0
        self._item_bias.assign(np.where(is_rated, bias, np.median(bias[is_rated])))

    def tabulate_history_items(self) -> None:
        """Replaces the encoder of the histories' items by a table: see `QueryTower.tabulate_items`."""
        self._query_tower.tabulate_items()

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the mean cross-entropy of the items to predict plus the weighted sum of squared parameters.

        The sum is without large tables: the optimizer adds the squares of the rows in the batch. With several devices,
        it is the share of this device: the results of all add up to that of the batch.

        Args:
          inputs: `user_index` and `timestamp`, [num_queries]; `history_index` and `item_index`, the items to predict,
            [num_queries, (items)]; `weight`, the weights of these in the mean, [num_queries, (items)], if they differ;
            `batch_items` and `batch_weight`, see `share_batches`, if the queries are a share of a batch.
          training: whether dropout applies.

        Returns:
          [] float32.
        """
        users, positives = inputs[names.USER_INDEX], inputs[names.ITEM_INDEX]
        if training:
            # Some users are treated as the unknown one, which makes that row the best guess for new users.
            unknown = tf.random.uniform(tf.shape(users)) < self._settings.id_dropout
            users = tf.where(unknown, self._num_users, users)
        items = positives.flat_values
        if self._is_scored_in_full:
            candidates, columns, correction = tf.range(self._num_items), items, tf.zeros([self._num_items])
        else:
            num_uniform = self._settings.uniform_negatives
            batch_items = inputs.get(names.BATCH_ITEMS, items)
            candidates, columns = draw_candidates(batch_items, self._num_items, num_uniform)
            columns = columns[: tf.shape(items)[0]]
            in_batch = self._frequency(candidates, batch_items)
            correction = log_inclusion(in_batch, self._num_items, num_uniform)
        queries = self.encode_queries(users, inputs[names.HISTORY_INDEX], inputs[names.TIMESTAMP], training)
        logits = tf.matmul(queries, self.encode_candidates(candidates, training), transpose_b=True)
        weights = inputs[names.WEIGHT].flat_values if names.WEIGHT in inputs else None
        total = inputs.get(names.BATCH_WEIGHT)
        loss = softmax_loss(logits, positives.value_rowids(), columns, correction, weights, total)
        if not self._settings.weight_decay:
            return loss
        decayed = [
            weight for weight in self.trainable_weights if weight is not self._item_bias and not is_large(weight)
        ]
        decay = self._settings.weight_decay / tf.distribute.get_strategy().num_replicas_in_sync
        return loss + decay * sum(tf.reduce_sum(tf.square(weight)) for weight in decayed)


def _width(catalogue: Catalogue) -> int:
    """Returns the largest width with which the vectors of all users and items are not too many numbers."""
    rows = catalogue.num_users + catalogue.num_items
    return next((width for width in _WIDTHS if width * rows <= _MOST_NUMBERS), _WIDTHS[-1])
