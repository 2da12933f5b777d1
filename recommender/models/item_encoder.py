"""Encodes an item as one vector."""

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from schemas.settings.shared import ItemFeatures


class ItemEncoder(tf.keras.layers.Layer):
    """Sum of an item's own vector and those of its features.

    Genres and title words add the mean of their vectors, the release period adds its vector. The own vector of an item
    without training events would be noise: `known` is 0 and only its content counts. In training, the models withhold a
    share of the other own vectors too, to prepare the content for that.
    """

    def __init__(self, catalogue: Catalogue, dimension: int, settings: ItemFeatures):
        """Creates the tables of the features in the settings.

        Args:
          catalogue: the items.
          dimension: width of the vectors.
          settings: which features are used.
        """
        super().__init__()
        self.num_items = catalogue.num_items
        self._dimension = dimension
        self._ids = self._make_table("item_embeddings", catalogue.num_items) if settings.item_id else None
        self._features: list[tuple[tf.Variable, tf.RaggedTensor]] = []
        if settings.genres and len(catalogue.genres.values):
            self._add("genre_embeddings", catalogue.num_genres, catalogue.genres)
        if settings.title_words and len(catalogue.title_words.values):
            self._add("title_word_embeddings", catalogue.num_title_words, catalogue.title_words)
        if settings.release_year and len(catalogue.release_periods.values):
            self._add("release_period_embeddings", catalogue.num_release_periods, catalogue.release_periods)

    def _make_table(self, name: str, size: int, stddev: float = 0.05) -> tf.Variable:
        initializer = tf.keras.initializers.RandomNormal(stddev=stddev) if stddev else "zeros"
        return self.add_weight(name=name, shape=[size + 1, self._dimension], initializer=initializer)

    def _add(self, name: str, size: int, rows: Ragged) -> None:
        # Start at zero: items learn their own vectors first, and those of shared features follow where they help.
        self._features.append((self._make_table(name, size, stddev=0.0), _with_unknown_item(rows)))

    def call(self, items: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """Encodes items.

        Args:
          items: [n] integers, indices in `[0, num_items]`.
          known: [n] float32, 1 if the item's own vector counts, 0 if its content alone does.

        Returns:
          [n, dimension].
        """
        vectors = tf.zeros([tf.shape(items)[0], self._dimension])
        if self._ids is not None:
            vectors += tf.gather(self._ids, items) * known[:, tf.newaxis]
        for table, rows in self._features:
            vectors += _mean(table, tf.gather(rows, items))
        return vectors


class ItemTable(tf.keras.layers.Layer):
    """The vectors of a fitted encoder as a table, which is looked up by an operator that TFLite has too."""

    def __init__(self, encoder: ItemEncoder):
        """Encodes all items."""
        super().__init__()
        self.num_items = encoder.num_items
        items = tf.range(self.num_items + 1)
        vectors = encoder(items, tf.cast(items < self.num_items, tf.float32))
        self._vectors = tf.Variable(vectors, trainable=False, name="item_vectors")

    def call(self, items: tf.Tensor, known: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of [n] items, [n, dimension]; `known`, an argument of `ItemEncoder`, is ignored."""
        return tf.gather(self._vectors, items)


def _with_unknown_item(ragged: Ragged) -> tf.RaggedTensor:
    """Returns the catalogue's rows and an empty one, for the index of unknown items."""
    splits = np.append(ragged.row_splits, ragged.row_splits[-1])
    return tf.RaggedTensor.from_row_splits(tf.constant(ragged.values, tf.int32), splits)


def _mean(table: tf.Variable, rows: tf.RaggedTensor) -> tf.Tensor:
    """Returns the mean of the table's rows that each ragged row lists, [nrows, dimension]; zeros for an empty row."""
    return tf.sparse.segment_mean(table, rows.flat_values, rows.value_rowids(), num_segments=rows.nrows())
