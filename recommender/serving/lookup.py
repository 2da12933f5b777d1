"""Lookup tables from ids to indices."""

from contextlib import AbstractContextManager

import tensorflow as tf

from recommender.models.pooling import places_from_end


def index(ids: list[bytes]) -> tf.lookup.StaticHashTable:
    """Creates a table of positions by id; unknown ids get the number of ids.

    It is in memory, with int64 positions, since TFLite has no other tables.
    """
    # A table cannot be empty: without ids, its only entry has the position of unknown ids.
    keys = ids or [b""]
    entries = tf.lookup.KeyValueTensorInitializer(tf.constant(keys, tf.string), tf.range(len(keys), dtype=tf.int64))
    return tf.lookup.StaticHashTable(entries, default_value=len(ids))


def find(table: tf.lookup.StaticHashTable, ids: tf.Tensor) -> tf.Tensor:
    """Looks up the positions of ids as int32 of the same shape."""
    return tf.cast(table.lookup(ids), tf.int32)


def rows_of(ids: tf.Tensor, num_rows: tf.Tensor, name: str) -> tf.Tensor:
    """Checks that an input is [num_rows, n], or pads it to that shape if it has no rows, [0, n].

    Raises:
      InvalidArgumentError: the number of rows is neither; the message names the input.
    """
    given = tf.shape(ids)[0]
    expected = (given == num_rows) | (given == 0)
    message = f"`{name}` must have one row for each row of the batch, or no rows; rows, batch:"
    with refused_unless(expected, message, given, num_rows):
        return tf.pad(ids, [[0, num_rows - given], [0, 0]])


def refused_unless(condition: tf.Tensor, message: str, *values: tf.Tensor) -> AbstractContextManager:
    """Returns a context whose operators raise InvalidArgumentError with message and values if [] bool is false."""
    # `tf.debugging.Assert` adds a branch that costs ten times as much as the check.
    return tf.control_dependencies([tf.raw_ops.Assert(condition=condition, data=[message, *values])])


def cells_of(items: tf.Tensor, num_items: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns rows and items, [cells] int32 each, of [n, m] int32 items, without unknown ones (`num_items`)."""
    places = tf.where(items < num_items)
    return tf.cast(places[:, 0], tf.int32), tf.gather_nd(items, places)


def known_items(items: tf.Tensor, num_items: int) -> tf.RaggedTensor:
    """Returns [n, m] int32 items as [n, (items)], without unknown ones (`num_items`)."""
    rows = tf.RaggedTensor.from_tensor(items, row_splits_dtype=tf.int64)
    return tf.ragged.boolean_mask(rows, rows < num_items)


def latest(history: tf.RaggedTensor, num_items: int, length: int) -> tf.RaggedTensor:
    """Keeps each item's last occurrence in a history, [n, (items)] int32, oldest first; of these, the last `length`."""
    keys = history.value_rowids() * num_items + tf.cast(history.flat_values, tf.int64)
    distinct, group = tf.unique(keys)
    last = tf.math.unsorted_segment_max(tf.range(tf.size(keys)), group, tf.size(distinct))
    is_last = tf.scatter_nd(last[:, tf.newaxis], tf.ones_like(last, tf.bool), tf.shape(keys))
    history = tf.ragged.boolean_mask(history, history.with_flat_values(is_last))
    return tf.ragged.boolean_mask(history, places_from_end(history) < length)
