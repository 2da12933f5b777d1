"""Raw examples as columns, with the step's own numbers for items, genres and title words."""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.inputs import Events, Ragged
from schemas import signatures as names
from schemas.errors import DataError

_PARSED_AT_ONCE = 8_192
_WORDS = re.compile(r"[^\W_]+")
_YEAR = re.compile(r"\(\d{4}\)\s*$")
PADDING = 0


class Items(NamedTuple):
    """The catalogue; item number i is row i - 1, the most popular in training first.

    ids, titles: strings. genres: the names of each. popularity: [num_items] int64, training events.
    values: by feature, a row of int32 numbers from 1 for each item, row 0 for padding, which is empty; of `item` the
    number itself. vocabularies: of `genre` and `title_word`, the words by number - 1.
    """

    ids: list[str]
    titles: list[str]
    genres: list[list[str]]
    popularity: np.ndarray
    values: dict[str, Ragged]
    vocabularies: dict[str, list[str]]


def read_items(split: str) -> Items:
    """Reads the catalogue's examples in a folder.

    Raises:
      DataError: there are none.
    """
    columns = _read(
        split,
        {
            names.ITEM_ID: tf.io.FixedLenFeature([], tf.string),
            names.TITLE: tf.io.FixedLenFeature([], tf.string, default_value=""),
            names.GENRES: tf.io.RaggedFeature(tf.string, row_splits_dtype=tf.int64),
            names.POPULARITY: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    ids, popularity = columns[names.ITEM_ID].numpy(), columns[names.POPULARITY].numpy()
    order = np.lexsort((ids, -popularity))
    genres = [[_text(name) for name in row] for row in columns[names.GENRES].to_list()]
    return describe(
        [_text(ids[row]) for row in order],
        [_text(columns[names.TITLE].numpy()[row]) for row in order],
        [genres[row] for row in order],
        popularity[order],
    )


def describe(ids: list[str], titles: list[str], genres: list[list[str]], popularity: np.ndarray) -> Items:
    """Numbers what describes the items; see `Items`."""
    values = {"item": _ragged([[], *([number] for number in range(1, len(ids) + 1))])}
    vocabularies = {}
    words = [_WORDS.findall(_YEAR.sub("", title).lower()) for title in titles]
    for name, rows in (("genre", genres), ("title_word", words)):
        vocabularies[name] = _vocabulary(rows)
        numbers = {word: number for number, word in enumerate(vocabularies[name], 1)}
        values[name] = _ragged([[], *([numbers[word] for word in row] for row in rows)])
    return Items(ids, titles, genres, popularity, values, vocabularies)


def read_events(split: str, items: Items, users: dict[bytes, int]) -> Events:
    """Reads rating examples in a folder, in an order that does not depend on that of the files.

    Args:
      split: folder.
      items: an event's item is its number there, 0 if it has none.
      users: the users' numbers; new ones are added.

    Raises:
      DataError: there are none.
    """
    columns = _read(
        split,
        {
            names.USER_ID: tf.io.FixedLenFeature([], tf.string),
            names.ITEM_ID: tf.io.FixedLenFeature([], tf.string),
            names.RATING: tf.io.FixedLenFeature([], tf.float32),
            names.TIMESTAMP: tf.io.FixedLenFeature([], tf.int64),
        },
    )
    ids, user_ids = columns[names.ITEM_ID].numpy(), columns[names.USER_ID].numpy()
    timestamps = columns[names.TIMESTAMP].numpy()
    order = np.lexsort((ids, user_ids, timestamps))
    numbers = {item.encode(errors="surrogateescape"): number for number, item in enumerate(items.ids, 1)}
    return Events(
        np.array([users.setdefault(user, len(users)) for user in user_ids[order]], np.int32),
        np.array([numbers.get(item, PADDING) for item in ids[order]], np.int32),
        columns[names.RATING].numpy()[order],
        timestamps[order],
    )


def _read(split: str, spec: dict) -> dict:
    files = sorted(glob.glob(os.path.join(split, "*")))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_PARSED_AT_ONCE)
    batches = list(records.map(lambda serialized: tf.io.parse_example(serialized, spec))) if files else []
    if not batches:
        raise DataError(f"{split}: no examples; run the data steps again")
    return {name: tf.concat([batch[name] for batch in batches], axis=0) for name in spec}


def _text(value: bytes) -> str:
    return value.decode(errors="surrogateescape")


def _vocabulary(rows: Iterable[list[str]]) -> list[str]:
    """Words by how many items have them, equal ones by the alphabet."""
    counts = Counter(word for row in rows for word in set(row))
    return sorted(counts, key=lambda word: (-counts[word], word))


def _ragged(rows: list[list[int]]) -> Ragged:
    return Ragged(
        np.array([value for row in rows for value in row], np.int32), np.cumsum([0, *map(len, rows)], dtype=np.int64)
    )
