"""The on-device sequence model, which scores all items by a user's latest events."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tensorflow_recommenders as tfrs

from recommender.models.context_encoders import make_encoder
from recommender.models.frequency import CountedFrequency
from recommender.models.losses import draw_candidates, log_inclusion, softmax_loss
from schemas.on_device import EVENT_FEATURES, Feature
from schemas.settings import SequenceModelSettings

FULL_SOFTMAX_ITEMS = 20_000
SAMPLED_NEGATIVES = 4_096
NOT_GIVEN: dict[Feature, float] = {"rating": 0.0, "age": -1.0}
"""Padding of the numerical features; for `item`, `genre` and `title_word` it is 0."""


class SequenceData(NamedTuple):
    """The properties of the data that the model depends on.

    popularity: [num_items] int64, training events of the items 1, 2, ... num_genres, num_title_words: how many
    there are; they are numbered from 1. rating_mean, rating_deviation: of the training events' ratings.
    """

    popularity: np.ndarray
    num_genres: int
    num_title_words: int
    rating_mean: float
    rating_deviation: float


class SequenceModel(tfrs.Model):
    """A context encoder over the latest events and a label encoder over the catalogue, scored by their dot product.

    The events' ids, ratings and ages are one sequence, in which rating and age scale an item's vector and are appended
    to it; genres and title words are separate sequences. Each sequence has an encoder of the kind in the
    settings; dense layers combine the results into one vector. Items of the context and of the catalogue share their
    vectors.
    """

    def __init__(self, data: SequenceData, settings: SequenceModelSettings, vectors: np.ndarray | None = None):
        """Creates the weights; the items' biases start as the logarithms of their shares of the training events.

        Args:
          data: properties of the data.
          settings: settings of the model.
          vectors: [num_items + 1, at most embedding_width] float32, where the first columns of the items' vectors
            start; None: at random, like the other columns.
        """
        super().__init__()
        self._data, self._settings = data, settings
        self.num_items, features = len(data.popularity), settings.features
        self._items = self._table("items", self.num_items, settings.embedding_width)
        if vectors is not None:
            self._items[:, : vectors.shape[1]].assign(vectors)
        share = np.append(0, data.popularity) + 1.0
        log_share = np.log(share / share[1:].sum()).astype(np.float32)
        self._bias = tf.Variable(log_share, name="item_biases")
        sizes: dict[Feature, int] = {"genre": data.num_genres, "title_word": data.num_title_words}
        self._values: dict[str, tf.Variable] = {
            name: self._table(name, size, settings.width(name)) for name, size in sizes.items() if name in features
        }
        self._numbers = {
            name: tf.keras.layers.Dense(settings.width(name), activation="tanh")
            for name in NOT_GIVEN
            if name in features
        }
        if self._numbers and "item" in features:
            self._scale = tf.keras.layers.Dense(settings.embedding_width, kernel_initializer="zeros")
        self._encoders = {
            name: make_encoder(features[group[0]].length, settings) for name, group in self._groups().items()
        }
        self._dense = [tf.keras.layers.Dense(width, activation="relu") for width in settings.dense]
        # Start from the mean of the items' vectors, the first columns: it is close to similar items.
        is_mean = settings.encoder == "bow" and "item" in settings.features and not settings.dense
        initial = "identity" if is_mean else "glorot_uniform"
        self._dense.append(tf.keras.layers.Dense(settings.embedding_width, kernel_initializer=initial))
        self._frequency = CountedFrequency(data.popularity)

    def _table(self, name: str, size: int, width: int) -> tf.Variable:
        return tf.Variable(tf.random.normal([size + 1, width], stddev=0.05), name=name)

    def _groups(self) -> dict[str, list[Feature]]:
        """Returns the features of each sequence."""
        groups = {"event": [name for name in EVENT_FEATURES if name in self._settings.features]}
        groups |= {name: [name] for name in ("genre", "title_word") if name in self._settings.features}
        return {name: group for name, group in groups.items() if group}

    def encode(self, context: dict[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        """Encodes contexts.

        Args:
          context: by feature, [n, length of the feature] int32 or float32, oldest first.
          training: whether events are left out at random.

        Returns:
          [n, embedding_width].
        """
        parts = []
        for name, encoder in self._encoders.items():
            vectors, mask = self._events(context) if name == "event" else self._embed(name, context[name])
            if training:
                mask &= tf.random.uniform(tf.shape(mask)) >= self._settings.dropout
            parts.append(encoder(vectors, mask))
        hidden = tf.concat(parts, axis=1)
        for layer in self._dense:
            hidden = layer(hidden)
        return hidden

    def _embed(self, name: str, values: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.gather(self._values[name], values), values > 0

    def _events(self, context: dict[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns vectors, [n, length, width], and a mask, [n, length] bool, true at an event."""
        given = self._groups()["event"]
        if "item" in given:
            mask = context["item"] > 0
        else:
            mask = context["age"] >= 0 if "age" in given else context["rating"] != NOT_GIVEN["rating"]
        numbers = [
            layer(self._standard(name, context[name])[:, :, tf.newaxis]) for name, layer in self._numbers.items()
        ]
        if "item" not in given:
            return tf.concat(numbers, axis=2), mask
        vectors = tf.gather(self._items, context["item"])
        if not numbers:
            return vectors, mask
        given = tf.concat(numbers, axis=2)
        return tf.concat([vectors * (1.0 + self._scale(given)), given], axis=2), mask

    def _standard(self, name: str, values: tf.Tensor) -> tf.Tensor:
        """Scales ratings by their mean and deviation, and ages by their logarithm, so that minutes and years count."""
        if name == "rating":
            return (values - self._data.rating_mean) / max(self._data.rating_deviation, 1e-6)
        return tf.math.log(tf.maximum(values, 0.0) + 1e-3) / 4.0

    def score(self, encoded: tf.Tensor) -> tf.Tensor:
        """Returns scores, [n, num_items + 1], of [n, embedding_width]; the first, for padding, is meaningless."""
        return tf.matmul(encoded, self._items, transpose_b=True) + self._bias

    def compute_loss(self, inputs: tuple[dict[str, tf.Tensor], tf.Tensor], training: bool = False) -> tf.Tensor:
        """Returns the mean cross-entropy of the labels.

        Args:
          inputs: contexts by feature, and [n] int32 labels from 1.
          training: whether events are left out at random.

        Returns:
          [] float32.
        """
        context, labels = inputs
        encoded = self.encode(context, training)
        negatives = self._settings.negatives or (0 if self.num_items <= FULL_SOFTMAX_ITEMS else SAMPLED_NEGATIVES)
        if negatives:
            return self._sampled_loss(encoded, labels - 1, negatives)
        # The scores include padding, which is never the label; leaving it out would cost more.
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self.score(encoded)))

    def _sampled_loss(self, encoded: tf.Tensor, labels: tf.Tensor, negatives: int) -> tf.Tensor:
        """Returns the loss of [n] labels, from 0, among the batch's labels and a uniform draw."""
        candidates, columns = draw_candidates(labels, self.num_items, negatives)
        correction = log_inclusion(self._frequency(candidates, labels), self.num_items, negatives)
        vectors, biases = tf.gather(self._items, candidates + 1), tf.gather(self._bias, candidates + 1)
        logits = tf.matmul(encoded, vectors, transpose_b=True) + biases
        return softmax_loss(logits, tf.range(tf.size(labels)), columns, correction)
