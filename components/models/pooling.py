"""A user's history as one vector."""

import numpy as np
import tensorflow as tf


class HistoryPooling(tf.keras.layers.Layer):
    """Sum of a vector for each item of the history, divided by the square root of their number.

    This is the product of the L2-normalised row of the user-item matrix and an embedding table, as in the input
    layer of Mult-VAE (Liang et al., 2018) and the implicit part of SVD++ (Koren, 2008). In training a share of
    the events is left out, and the others count for what remains.
    """

    def __init__(self, num_items: int, dimension: int, dropout: float):
        super().__init__()
        # Small: the histories of the most active users add up a hundred of these rows.
        self._table = self.add_weight(
            name="history_embeddings",
            shape=[num_items + 1, dimension],
            initializer=tf.keras.initializers.RandomNormal(stddev=0.05),
        )
        self._dropout = dropout

    def forget(self, items: np.ndarray) -> None:
        """Sets the vectors of items to 0; `items`: [num_items + 1] bool."""
        self._table.assign(tf.where(items[:, np.newaxis], 0.0, self._table))

    def call(
        self, history: tf.RaggedTensor, weights: tf.RaggedTensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """Pools histories.

        Args:
          history: [num_queries, (events)] integers, item indices in `[0, num_items]`.
          weights: [num_queries, (events)] float32, factors of the items' vectors; absent, 1.
          training: whether events are left out at random.

        Returns:
          [num_queries, dimension]; zeros for an empty history.
        """
        if training:
            kept = history.with_flat_values(tf.random.uniform(tf.shape(history.flat_values)) >= self._dropout)
            history = tf.ragged.boolean_mask(history, kept)
            weights = None if weights is None else tf.ragged.boolean_mask(weights, kept)
        rows = history.value_rowids()
        norms = tf.math.rsqrt(tf.cast(tf.maximum(history.row_lengths(), 1), tf.float32))
        factors = tf.gather(norms, rows)
        if weights is not None:
            factors *= weights.flat_values
        # One sparse product reads each row of the table where it is needed: no [queries, events, dimension] tensor.
        interactions = tf.SparseTensor(
            tf.stack([rows, tf.cast(history.flat_values, tf.int64)], axis=1),
            factors,
            [history.nrows(), self._table.shape[0]],
        )
        return tf.sparse.sparse_dense_matmul(interactions, self._table)
