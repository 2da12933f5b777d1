"""An item as one vector, from what is known of it."""

import numpy as np
import tensorflow as tf

from components.models.inputs import Catalogue, Ragged


class ItemEncoder(tf.keras.layers.Layer):
    """Sum of the item's own vector, the mean of its genres' and the mean of its title words' vectors.

    An item without a training event has no vector of its own, which would be noise: genres and words alone place it.
    To prepare them for that, in training a share of the other items loses its own vector too.
    """

    def __init__(self, catalogue: Catalogue, popularity: np.ndarray, dimension: int, id_dropout: float):
        """Makes the tables.

        Args:
          catalogue: the items.
          popularity: [num_items] number of training events of each item.
          dimension: width of the vectors.
          id_dropout: share of items whose own vector is left out in training, in `[0, 1)`.
        """
        super().__init__()
        self.num_items = catalogue.num_items
        self._ids = self._make_table("item_embeddings", catalogue.num_items, dimension)
        self._genres = self._make_table("genre_embeddings", catalogue.num_genres, dimension)
        self._title_words = self._make_table("title_word_embeddings", catalogue.num_title_words, dimension)
        self._genres_of = _with_unknown_item(catalogue.genres)
        self._title_words_of = _with_unknown_item(catalogue.title_words)
        self._is_rated = tf.constant(np.append(popularity > 0, False), tf.float32)
        self._id_dropout = id_dropout

    def _make_table(self, name: str, size: int, dimension: int) -> tf.Variable:
        initializer = tf.keras.initializers.RandomNormal(stddev=0.05)
        return self.add_weight(name=name, shape=[size + 1, dimension], initializer=initializer)

    def call(self, items: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Encodes items.

        Args:
          items: [n] integers, indices in `[0, num_items]`.
          training: whether own vectors are left out at random.

        Returns:
          [n, dimension].
        """
        has_id = tf.gather(self._is_rated, items)
        if training:
            has_id *= tf.cast(tf.random.uniform(tf.shape(items)) >= self._id_dropout, tf.float32)
        return (
            tf.gather(self._ids, items) * has_id[:, tf.newaxis]
            + _mean(self._genres, tf.gather(self._genres_of, items))
            + _mean(self._title_words, tf.gather(self._title_words_of, items))
        )


def _with_unknown_item(ragged: Ragged) -> tf.RaggedTensor:
    """The catalogue's rows and an empty one, for the index of unknown items."""
    splits = np.append(ragged.row_splits, ragged.row_splits[-1])
    return tf.RaggedTensor.from_row_splits(tf.constant(ragged.values, tf.int32), splits)


def _mean(table: tf.Variable, rows: tf.RaggedTensor) -> tf.Tensor:
    """Mean of the table's rows named in each ragged row, [nrows, dimension]; zeros where none is named."""
    factors = tf.gather(1.0 / tf.cast(tf.maximum(rows.row_lengths(), 1), tf.float32), rows.value_rowids())
    members = tf.SparseTensor(
        tf.stack([rows.value_rowids(), tf.cast(rows.flat_values, tf.int64)], axis=1),
        factors,
        [rows.nrows(), table.shape[0]],
    )
    return tf.sparse.sparse_dense_matmul(members, table)
