"""Reads serialized examples into columns. The only module of this folder that imports TensorFlow."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.dataset import Dataset
from recommender.interactions.interactions import NO_TIME, Interactions
from recommender.interactions.ragged import Ragged
from schemas import signatures as names
from schemas.errors import DataError

_PARSED_AT_ONCE = 8_192
TEXT, NUMBER, INTEGER = (tf.io.FixedLenFeature([], dtype) for dtype in (tf.string, tf.float32, tf.int64))
OPTIONAL_TEXT = tf.io.FixedLenFeature([], tf.string, default_value="")
EVENT = {
    names.RATING: tf.io.VarLenFeature(tf.float32),
    names.TIMESTAMP: tf.io.VarLenFeature(tf.int64),
    names.WEIGHT: NUMBER,
    names.POSITION: INTEGER,
}
"""Features of an event other than its user and item."""
_NO_VALUE = {tf.float32: math.nan, tf.int64: NO_TIME}
"""What stands for the value of a `VarLenFeature` that an example lacks; `Interactions.of` knows it."""
TEXTS = tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64)


class Vocabularies(NamedTuple):
    """Strings (bytes) by index."""

    users: list[bytes]
    items: list[bytes]
    genres: list[bytes]
    title_words: list[bytes]


def read_records(patterns: Sequence[str]) -> tf.data.Dataset:
    """Returns the serialized examples, [] strings, of gzipped files in the order of their names.

    Raises:
      DataError: no file matches.
    """
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    if not files:
        raise DataError(f"no examples: no file matches {', '.join(patterns)}; run the data steps again")
    return tf.data.TFRecordDataset(files, compression_type="GZIP")


def read_batches(
    patterns: Sequence[str], spec: dict[str, Any], vocabularies: Mapping[str, list[bytes]] | None = None
) -> Iterator[dict[str, Any]]:
    """Reads examples in batches of 8,192.

    Args:
      patterns: patterns of file names.
      spec: the features to parse by name, each one of the constants above.
      vocabularies: strings by index, by the name of a feature with text. Its values become their int64 indices; the
        number of strings stands for other values.

    Yields:
      Columns by feature name: an array for a feature with at most one value per example, `Ragged` for the others.

    Raises:
      DataError: no file matches.
    """
    tables = {name: _table(strings) for name, strings in (vocabularies or {}).items()}
    records = read_records(patterns).batch(_PARSED_AT_ONCE)
    for batch in records.map(lambda serialized: _parse(serialized, spec, tables), tf.data.AUTOTUNE):
        yield {
            name: Ragged(column.values.numpy(), column.row_splits.numpy())
            if isinstance(column, tf.RaggedTensor)
            else column.numpy()
            for name, column in batch.items()
        }


def _table(strings: list[bytes]) -> tf.lookup.StaticHashTable:
    indices = tf.range(len(strings), dtype=tf.int64)
    initializer = tf.lookup.KeyValueTensorInitializer(tf.constant(strings, tf.string), indices)
    return tf.lookup.StaticHashTable(initializer, default_value=len(strings))


def _parse(
    serialized: tf.Tensor, spec: dict[str, Any], tables: dict[str, tf.lookup.StaticHashTable]
) -> dict[str, tf.Tensor | tf.RaggedTensor]:
    columns = tf.io.parse_example(serialized, spec)
    columns |= {name: table.lookup(columns[name]) for name, table in tables.items()}
    return {
        name: _one_or_none(column) if isinstance(column, tf.SparseTensor) else column
        for name, column in columns.items()
    }


def _one_or_none(column: tf.SparseTensor) -> tf.Tensor:
    """Returns [n] values; an absent feature and one without a value are the same."""
    single = tf.sparse.reset_shape(column, [column.dense_shape[0], 1])
    return tf.sparse.to_dense(single, _NO_VALUE[column.dtype])[:, 0]


def read_columns(
    patterns: Sequence[str], spec: dict[str, Any], vocabularies: Mapping[str, list[bytes]] | None = None
) -> dict[str, Any]:
    """Reads all examples at once; see `read_batches`.

    Raises:
      DataError: there are no files or no examples.
    """
    batches = list(read_batches(patterns, spec, vocabularies))
    if not batches:
        raise DataError(f"no examples in {', '.join(patterns)}; run the data steps again")
    return {name: _joined([batch[name] for batch in batches]) for name in spec}


def read_dataset(ratings: Sequence[str], candidates: Sequence[str], vocabularies: Vocabularies) -> Dataset:
    """Reads raw examples.

    Args:
      ratings: patterns of the files of rating examples.
      candidates: patterns of the files of catalogue examples.
      vocabularies: the known users, items, genres and words of titles; others are left out of the dataset.

    Raises:
      DataError: there are no examples, or not exactly one catalogue example for each item of the vocabulary.
    """
    users, items, genres, title_words = vocabularies
    columns = read_columns(
        candidates,
        {names.ITEM_ID: TEXT, names.GENRES: TEXTS, names.TITLE_WORDS: TEXTS, names.TITLE: OPTIONAL_TEXT},
        {names.ITEM_ID: items, names.GENRES: genres, names.TITLE_WORDS: title_words},
    )
    found = columns[names.ITEM_ID]
    order = np.argsort(found)
    if not np.array_equal(found[order], np.arange(len(items))):
        raise DataError(
            f"the catalogue must hold each of the {len(items)} items of the vocabulary once, got {len(found)} rows of "
            f"{len(np.unique(found))} items; run the data steps again"
        )
    titles = columns[names.TITLE][order]
    catalogue = Catalogue.of(
        num_users=len(users),
        titles=[title.decode(errors="replace") for title in titles],
        genres=_narrow(columns[names.GENRES].take(order)),
        num_genres=len(genres),
        title_words=_narrow(columns[names.TITLE_WORDS].take(order)),
        num_title_words=len(title_words),
    )
    interactions = _read_interactions(ratings, users, items)
    return Dataset(interactions.known, catalogue, users, items, genres, titles)


def _read_interactions(patterns: Sequence[str], users: list[bytes], items: list[bytes]) -> Interactions:
    spec = {names.USER_ID: TEXT, names.ITEM_ID: TEXT, **EVENT}
    columns = read_columns(patterns, spec, {names.USER_ID: users, names.ITEM_ID: items})
    return Interactions.of(
        user=columns[names.USER_ID],
        item=columns[names.ITEM_ID],
        rating=columns[names.RATING],
        timestamp=columns[names.TIMESTAMP],
        num_users=len(users),
        num_items=len(items),
        weight=columns[names.WEIGHT],
        position=columns[names.POSITION],
    )


def _joined(parts: list[Any]) -> Any:
    if not isinstance(parts[0], Ragged):
        return np.concatenate(parts)
    lengths = np.concatenate([np.diff(part.row_splits) for part in parts])
    return Ragged(np.concatenate([part.values for part in parts]), np.concatenate([[0], np.cumsum(lengths)]))


def _narrow(rows: Ragged) -> Ragged:
    return Ragged(rows.values.astype(np.int32), rows.row_splits)
