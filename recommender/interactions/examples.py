"""Transformed examples as columns in memory."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.inputs import Catalogue, Events, Ragged
from recommender.interactions.release import release_periods
from schemas import signatures as names
from schemas.errors import DataError

_PARSED_AT_ONCE = 8_192


class Vocabularies(NamedTuple):
    """Strings (bytes) by index."""

    users: list[bytes]
    items: list[bytes]
    genres: list[bytes]
    num_title_words: int


class Candidates(NamedTuple):
    """The catalogue as it is read. titles: [num_items] bytes; popularity: [num_items] int64, training events."""

    catalogue: Catalogue
    titles: np.ndarray
    popularity: np.ndarray


def read_events(patterns: Sequence[str]) -> Events:
    """Reads rating examples, in the order of the files.

    Raises:
      DataError: there are no files or no examples.
    """
    columns = _read(
        patterns,
        {
            names.USER_INDEX: tf.io.FixedLenFeature([], tf.int64),
            names.ITEM_INDEX: tf.io.FixedLenFeature([], tf.int64),
            names.RATING: tf.io.FixedLenFeature([], tf.float32),
            names.TIMESTAMP: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    return Events(
        columns[names.USER_INDEX].astype(np.int32),
        columns[names.ITEM_INDEX].astype(np.int32),
        columns[names.RATING],
        columns[names.TIMESTAMP],
    )


def read_candidates(patterns: Sequence[str], vocabularies: Vocabularies) -> Candidates:
    """Reads catalogue examples and puts them in the order of the item vocabulary.

    Raises:
      DataError: there are no examples, or not exactly one for each item of the vocabulary.
    """
    columns = _read(
        patterns,
        {
            names.ITEM_INDEX: tf.io.FixedLenFeature([], tf.int64),
            names.GENRE_INDEX: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64),
            names.TITLE_WORD_INDEX: tf.io.RaggedFeature(tf.int64, row_splits_dtype=tf.int64),
            names.POPULARITY: tf.io.FixedLenFeature([], tf.int64),
            names.TITLE: tf.io.FixedLenFeature([], tf.string, default_value=""),
        },
    )
    items = columns[names.ITEM_INDEX]
    order = np.argsort(items)
    if not np.array_equal(items[order], np.arange(len(vocabularies.items))):
        raise DataError(
            f"the catalogue must hold each of the {len(vocabularies.items)} items of the vocabulary once, got "
            f"{len(items)} rows of {len(np.unique(items))} items; run the data steps again"
        )
    titles = columns[names.TITLE][order]
    periods, num_periods = release_periods([title.decode(errors="replace") for title in titles])
    catalogue = Catalogue(
        len(vocabularies.users),
        len(vocabularies.genres),
        vocabularies.num_title_words,
        num_periods,
        _reorder(_narrow(columns[names.GENRE_INDEX]), order),
        _reorder(_narrow(columns[names.TITLE_WORD_INDEX]), order),
        periods,
    )
    return Candidates(catalogue, titles, columns[names.POPULARITY][order])


def _read(patterns: Sequence[str], spec: dict) -> dict:
    """Columns by feature name: an array for a feature with one value an example, `Ragged` for the others."""
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    if not files:
        raise DataError(f"no examples: no file matches {', '.join(patterns)}")
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_PARSED_AT_ONCE)
    batches = list(records.map(lambda serialized: tf.io.parse_example(serialized, spec)))
    if not batches:
        raise DataError(f"no examples in {', '.join(files)}")
    columns = {name: tf.concat([batch[name] for batch in batches], axis=0) for name in spec}
    return {
        name: Ragged(column.values.numpy(), column.row_splits.numpy())
        if isinstance(column, tf.RaggedTensor)
        else column.numpy()
        for name, column in columns.items()
    }


def _narrow(rows: Ragged) -> Ragged:
    return Ragged(rows.values.astype(np.int32), rows.row_splits)


def _reorder(rows: Ragged, order: np.ndarray) -> Ragged:
    """The rows at positions `order`, [num_rows]."""
    lengths = np.diff(rows.row_splits)[order]
    splits = np.concatenate([[0], np.cumsum(lengths)])
    offsets = np.repeat(rows.row_splits[:-1][order] - splits[:-1], lengths)
    return Ragged(rows.values[np.arange(splits[-1]) + offsets], splits)
