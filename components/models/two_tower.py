"""The model that proposes candidates: one tower for users, one for items, and a dot product."""

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from components.models.inputs import Catalogue, Events
from components.models.item_encoder import ItemEncoder
from components.models.pooling import HistoryPooling
from schemas import signatures as names
from schemas.settings import RetrievalSettings


class TwoTowerModel(tfrs.Model):
    """Two towers under a softmax over the items of the batch and further items drawn uniformly.

    The mixture of both kinds of negatives is that of Yang et al., "Mixed Negative Sampling for Learning Two-tower
    Neural Networks" (2020): the batch brings items as often as they are rated, the draw brings the long tail. Every
    logit is lowered by the logarithm of the item's expected number among the candidates (logQ, Yi et al.,
    "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item Recommendations", 2019), so that popular items
    are not punished for being drawn often, and the loss estimates the softmax over the whole catalogue.
    """

    def __init__(self, catalogue: Catalogue, popularity: np.ndarray, settings: RetrievalSettings):
        """Makes the towers.

        Args:
          catalogue: users and items.
          popularity: [num_items] number of training events of each item.
          settings: widths, dropouts and the number of negatives.
        """
        super().__init__()
        width = settings.embedding_dimension
        self._num_users, self._num_items = catalogue.num_users, catalogue.num_items
        self._users = tf.keras.layers.Embedding(
            catalogue.num_users + 1, width, tf.keras.initializers.RandomNormal(stddev=0.05)
        )
        self._history = HistoryPooling(catalogue.num_items, width, settings.history_dropout)
        self._items = ItemEncoder(catalogue, popularity, width, settings.id_dropout)
        self._item_bias = tf.keras.layers.Embedding(catalogue.num_items + 1, 1, "zeros")
        self._dropout = tf.keras.layers.Dropout(settings.dropout)
        self._id_dropout = settings.id_dropout
        self._extra_negatives = settings.extra_negatives
        self._share = tf.constant(np.append(popularity, 0) / popularity.sum(), tf.float32)
        self._task = tfrs.tasks.Retrieval(
            loss=tf.keras.losses.CategoricalCrossentropy(from_logits=True, reduction="sum_over_batch_size"),
            remove_accidental_hits=True,
        )
        # The loss makes a dozen passes over [queries, candidates], which XLA fuses: half the time of a step.
        self._cross_entropy = tf.function(self._compute_cross_entropy, jit_compile=True)

    def encode_queries(self, users: tf.Tensor, history: tf.RaggedTensor, training: bool = False) -> tf.Tensor:
        """The query tower.

        Args:
          users: [num_queries] integers, indices in `[0, num_users]`.
          history: [num_queries, (events)] integers, item indices.
          training: whether dropout applies.

        Returns:
          [num_queries, embedding_dimension + 1]; the last number is 1 and meets the item's bias.
        """
        vectors = self._users(users) + self._history(history, training=training)
        vectors = self._dropout(vectors, training=training)
        return tf.concat([vectors, tf.ones_like(vectors[:, :1])], axis=1)

    def encode_candidates(self, items: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The candidate tower: [n] item indices to [n, embedding_dimension + 1], the last number a bias."""
        return tf.concat([self._items(items, training=training), self._item_bias(items)], axis=1)

    def forget_unfitted(self, events: Events) -> None:
        """Makes good what no event of the fit has touched and is random noise to this day.

        A user without an event gets the unknown user's row; an item without a place in any history adds nothing to one.
        """
        table = self._users.embeddings
        unfitted = np.bincount(events.user, minlength=self._num_users + 1) == 0
        unfitted[-1] = False
        table.assign(tf.where(unfitted[:, np.newaxis], table[-1], table))
        self._history.forget(np.bincount(events.history.values, minlength=self._num_items + 1) == 0)

    def candidate_probability(self, items: tf.Tensor, batch_size: tf.Tensor) -> tf.Tensor:
        """How often an item is expected among the candidates of one batch, relative to the item most expected.

        Only ratios matter to a softmax, and TFRS clips probabilities to `[1e-6, 1]`: hence relative to the largest.

        Args:
          items: [n] integers, item indices.
          batch_size: [] integer, number of events in the batch.

        Returns:
          [n] float32 in `(0, 1]`.
        """
        drawn = min(self._extra_negatives, self._num_items) / self._num_items
        expected = tf.cast(batch_size, tf.float32) * self._share + drawn
        return tf.gather(expected / tf.reduce_max(expected), items)

    def compute_loss(self, inputs: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """The mean cross-entropy of the items rated.

        Args:
          inputs: `user_index` and `item_index`, [batch_size]; `history_index`, [batch_size, (events)].
          training: whether dropout applies.

        Returns:
          [] float32.
        """
        users, items = inputs[names.USER_INDEX], inputs[names.ITEM_INDEX]
        # Some users play the unknown one, which makes his row the best guess for users never seen.
        unknown = tf.random.uniform(tf.shape(users)) < self._id_dropout
        users = tf.where(unknown, self._num_users, users) if training else users
        candidates = tf.concat([items, self._draw_negatives()], axis=0)
        return self._cross_entropy(
            self.encode_queries(users, inputs[names.HISTORY_INDEX], training),
            self.encode_candidates(candidates, training),
            candidates,
            self.candidate_probability(candidates, tf.shape(items)[0]),
        )

    def _compute_cross_entropy(
        self, queries: tf.Tensor, candidates: tf.Tensor, candidate_ids: tf.Tensor, probability: tf.Tensor
    ) -> tf.Tensor:
        return self._task(
            queries,
            candidates,
            candidate_ids=candidate_ids,
            candidate_sampling_probability=probability,
            compute_metrics=False,
        )

    def _draw_negatives(self) -> tf.Tensor:
        """The whole catalogue if it is small enough, or else a uniform draw with replacement."""
        if self._num_items <= self._extra_negatives:
            return tf.range(self._num_items)
        return tf.random.uniform([self._extra_negatives], maxval=self._num_items, dtype=tf.int32)
