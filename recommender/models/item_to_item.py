"""The model of items that are consumed together: one tower for query items, one for candidates."""

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.interactions.catalogue import Catalogue
from recommender.models.frequency import CountedFrequency
from recommender.models.fused_adam import is_large
from recommender.models.item_encoder import ItemEncoder
from recommender.models.losses import draw_candidates, log_inclusion, softmax_loss
from schemas.settings import CoConsumptionSettings


class ItemToItemModel(tfrs.Model):
    """Two towers, both of items, fitted with a softmax over the catalogue or over a sample of a large one.

    The logit of a neighbour is the logarithm of its share of all events, which is fixed, plus the product of the
    towers. So they learn how much more often two items occur together than by chance (as word vectors do: Levy and
    Goldberg, "Neural Word Embedding as Implicit Matrix Factorization", 2014), and popularity affects a score only by
    its weight in the settings.
    """

    def __init__(self, catalogue: Catalogue, popularity: np.ndarray, settings: CoConsumptionSettings):
        """Creates the towers.

        Args:
          catalogue: the items.
          popularity: [num_items] number of training events of each item, at least one in total.
          settings: features, widths, dropouts and the loss.
        """
        super().__init__()
        width = settings.embedding_dimension
        self._settings, self._num_items = settings, catalogue.num_items
        self._query_items = ItemEncoder(catalogue, width, settings)
        shared = settings.shared_towers
        self._candidate_items = self._query_items if shared else ItemEncoder(catalogue, width, settings)
        self._is_rated = tf.constant(popularity > 0, tf.float32)
        # An item without events is never a neighbour. At -infinity it is not a negative either, so that the model does
        # not attribute this to its content.
        share = tf.constant(popularity / popularity.sum(), tf.float32)
        self._log_share = tf.where(share > 0, tf.math.log(share), -np.inf)
        typical = np.median(popularity[popularity > 0])
        self._log_popularity = tf.constant(np.log(np.where(popularity > 0, popularity, typical)), tf.float32)
        self._frequency = CountedFrequency(popularity)

    def encode_queries(self, items: tf.Tensor) -> tf.Tensor:
        """Encodes query items, [n] indices in `[0, num_items)`, as [n, embedding_dimension + 1], ending in 1."""
        vectors = self._query_items(items, tf.gather(self._is_rated, items))
        return tf.concat([vectors, tf.ones_like(vectors[:, :1])], axis=1)

    def encode_candidates(self, items: tf.Tensor) -> tf.Tensor:
        """Encodes candidates, [n] indices in `[0, num_items)`, as [n, embedding_dimension + 1].

        The last number is the weighted logarithm of the item's popularity; without events, of the median popularity.
        """
        vectors = self._candidate_items(items, tf.gather(self._is_rated, items))
        bias = self._settings.popularity_weight * tf.gather(self._log_popularity, items)
        return tf.concat([vectors, bias[:, tf.newaxis]], axis=1)

    def compute_loss(self, inputs: tuple[tf.Tensor, tf.RaggedTensor], training: bool = False) -> tf.Tensor:
        """Returns the mean cross-entropy of the neighbours plus the weighted sum of squared parameters.

        The sum is without large tables: the optimizer adds the squares of the rows in the batch.

        Args:
          inputs: [num_queries] query items, and their neighbours, [num_queries, (items)], all with events.
          training: whether dropout applies.

        Returns:
          [] float32.
        """
        queries, neighbours = inputs
        positives, num_uniform = neighbours.flat_values, self._settings.uniform_negatives
        if self._num_items <= self._settings.full_softmax_items:
            candidates, columns, correction = tf.range(self._num_items), positives, tf.zeros([self._num_items])
        else:
            candidates, columns = draw_candidates(positives, self._num_items, num_uniform)
            correction = log_inclusion(self._frequency(candidates, positives), self._num_items, num_uniform)
        # The query item of several events in the batch is encoded and scored once.
        asked, rows = tf.unique(queries)
        vectors = self._query_items(asked, self._known(asked, training))
        if training:
            vectors = tf.nn.dropout(vectors, self._settings.dropout)
        others = self._candidate_items(candidates, self._known(candidates, training))
        logits = tf.matmul(vectors, others, transpose_b=True) + tf.gather(self._log_share, candidates)
        loss = softmax_loss(logits, tf.gather(rows, neighbours.value_rowids()), columns, correction)
        return loss + self._settings.weight_decay * sum(
            tf.reduce_sum(tf.square(weight)) for weight in self.trainable_weights if not is_large(weight)
        )

    def _known(self, items: tf.Tensor, training: bool) -> tf.Tensor:
        """Returns [n] float32, 1 if an item's own vector counts; in training, a share of them is withheld."""
        known = tf.gather(self._is_rated, items)
        if training:
            known *= tf.cast(tf.random.uniform(tf.shape(items)) >= self._settings.id_dropout, tf.float32)
        return known
