"""A fitted sequence model as a SavedModel, in operators that TFLite has too."""

from typing import Any

import numpy as np
import tensorflow as tf

from recommender.interactions.items import PADDING, Items
from recommender.interactions.ragged import Ragged
from recommender.models.sequence import NOT_GIVEN, SequenceModel
from schemas import signatures as names
from schemas.settings import SequenceModelSettings


class ServedSequence(tf.Module):
    """The signatures `recommend`, `recommend_ids` and `scores`."""

    def __init__(self, model: SequenceModel, items: Items, settings: SequenceModelSettings):
        super().__init__()
        # The functions and variables, without the rest of a model that Keras would save.
        self._encode, self._score, self._num_items = model.encode, model.score, model.num_items
        self._weights, self._settings = model.variables, settings
        # Ids of requests are compared with these: a hash table would store the ids again, and its numbers would take as
        # much space as quantised vectors.
        self._ids = tf.Variable([b"", *map(_bytes, items.ids)], trainable=False, name="ids")
        self._values = {
            name: tf.Variable(_rectangle(items.values[name]), trainable=False, name=f"{name}_of_items")
            for name in ("genre", "title_word")
            if name in settings.features
        }

    def signatures(self) -> dict[str, Any]:
        """Returns the signatures by name, functions of named tensors."""
        context = {
            names.CONTEXT + name: tf.TensorSpec([1, given.length], _dtype(name), names.CONTEXT + name)
            for name, given in self._settings.features.items()
        }
        many = {name: tf.TensorSpec([None, spec.shape[1]], spec.dtype, name) for name, spec in context.items()}
        history = {names.HISTORY_ITEM_ID: tf.TensorSpec([None], tf.string, names.HISTORY_ITEM_ID)}
        for name in NOT_GIVEN:
            if name in self._settings.features:
                history[names.HISTORY + name] = tf.TensorSpec([None], tf.float32, names.HISTORY + name)
        return {
            names.RECOMMEND: _function(self.recommend, context),
            names.RECOMMEND_IDS: _function(self.recommend_ids, history),
            names.SCORES: _function(self.scores, many),
        }

    def recommend(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `item`, [k] int32, and `score`, [k] float32, best first, for contexts by input, [1, length] each.

        Both are padded with zeros if fewer than k items are left.
        """
        context = _by_feature(inputs)
        seen = tf.reshape(context["item"], [-1]) if "item" in context else None
        items, scores = self._best(context, seen)
        return {names.ITEM: items, names.SCORE: scores}

    def recommend_ids(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `item_id` and `score`, [k] each, for `history_item_id`, [any] strings, and other inputs per event.

        Ids that are not in the catalogue are skipped. Only the latest events of a history are encoded, as many as fit
        into a context, but with `exclude_seen` the items of the whole history are left out.
        """
        longest = max(given.length for given in self._settings.features.values())
        # LiteRT refuses empty tensors, so padding precedes the items found.
        found = tf.where(tf.equal(inputs[names.HISTORY_ITEM_ID][:, tf.newaxis], self._ids)[:, 1:])
        found = tf.pad(tf.cast(found, tf.int32) + 1, [[longest, 0], [0, 0]])
        events, items = found[:, 0], found[:, 1]
        context: dict[str, tf.Tensor] = {}
        for name, given in self._settings.features.items():
            if name in NOT_GIVEN:
                values = tf.pad(inputs[names.HISTORY + name], [[1, 0]], constant_values=NOT_GIVEN[name])
                context[name] = _padding_behind(tf.gather(values, events), items != PADDING, given.length)
            elif name == "item":
                context[name] = _padding_behind(items, items != PADDING, given.length)
            else:
                values = tf.cast(tf.reshape(tf.gather(self._values[name], items), [-1]), tf.int32)
                values = tf.pad(values, [[given.length, 0]])
                kept = tf.concat([tf.ones([given.length], tf.bool), values[given.length :] != PADDING], axis=0)
                values = tf.boolean_mask(values, kept)
                context[name] = _padding_behind(values, values != PADDING, given.length)
        best, scores = self._best(context, items)
        return {names.ITEM_ID: tf.gather(self._ids, best), names.SCORE: scores}

    def scores(self, **inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns `logits`, [n, num_items], with no item left out, for contexts by input, [n, length] each."""
        return {names.LOGITS: self._score(self._encode(_by_feature(inputs)))[:, 1:]}

    def _best(self, context: dict[str, tf.Tensor], seen: tf.Tensor | None) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the best items of a context, without those of `seen`, [m], and their scores: [k] each."""
        num_rows, k = self._num_items + 1, self._settings.k
        # A slice would cost half as much as everything else.
        scores = tf.reshape(self._score(self._encode(context)), [num_rows])
        left_out = tf.zeros([1], tf.int32) + PADDING
        if self._settings.exclude_seen and seen is not None:
            left_out = tf.concat([seen, left_out], axis=0)
        nothing = tf.fill([tf.size(left_out)], np.float32(-np.inf))
        # Minus infinity is added with an operator that is never quantized.
        shown = tf.add_n([scores, tf.scatter_nd(tf.expand_dims(left_out, 1), nothing, [num_rows])])
        best, items = tf.math.top_k(shown, min(k, num_rows))
        # If k items are left whatever is seen, there is nothing to pad.
        num_seen = left_out.shape[0]
        if num_seen is not None and k + num_seen <= num_rows:
            return items, best
        is_item = best > -np.inf
        missing = [[0, k - min(k, num_rows)]]
        return tf.pad(tf.where(is_item, items, PADDING), missing), tf.pad(tf.where(is_item, best, 0.0), missing)


def save(model: SequenceModel, items: Items, settings: SequenceModelSettings, folder: str) -> None:
    """Writes the SavedModel."""
    served = ServedSequence(model, items, settings)
    tf.saved_model.save(served, folder, signatures=served.signatures())


def _padding_behind(values: tf.Tensor, is_given: tf.Tensor, length: int) -> tf.Tensor:
    """Moves the padding of the last `length` of [n] values from their front to their end; returns [1, length]."""
    latest, count = values[-length:], tf.reduce_sum(tf.cast(is_given[-length:], tf.int32))
    places = tf.math.floormod(tf.range(length) + length - count, length)
    return tf.reshape(tf.gather(latest, places), [1, length])


def _function(body: Any, inputs: dict[str, tf.TensorSpec]) -> Any:
    return tf.function(body, autograph=False).get_concrete_function(**inputs)


def _by_feature(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {name.removeprefix(names.CONTEXT): values for name, values in inputs.items()}


def _dtype(feature: str) -> tf.DType:
    return tf.float32 if feature in NOT_GIVEN else tf.int32


def _rectangle(rows: Ragged) -> np.ndarray:
    """Returns [num_rows, longest row], padded at the end, in TFLite's smallest integer type that holds the values."""
    lengths = np.diff(rows.row_splits)
    places = np.arange(max(lengths.max(initial=0), 1)) < lengths[:, np.newaxis]
    values = np.full(places.shape, PADDING, np.int32)
    values[places] = rows.values
    largest = values.max(initial=0)
    return values.astype(next(kind for kind in (np.uint8, np.int16, np.int32) if largest <= np.iinfo(kind).max))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
