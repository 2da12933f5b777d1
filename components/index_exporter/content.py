"""What the index is made of: from examples, and from the model by its signatures."""

import glob
import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from schemas import signatures as names

_AT_ONCE = 8_192
UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"
"""An id that no user has."""


class Catalogue(NamedTuple):
    """The items.

    items: [num_items] ids. titles: [num_items]. genres: [num_genres] names. genre_items: [n] int, positions of the
    items of each genre, genre by genre. genre_splits: [num_genres + 1] int, where each genre begins there, and the end.
    """

    items: np.ndarray
    titles: np.ndarray
    genres: np.ndarray
    genre_items: np.ndarray
    genre_splits: np.ndarray


class Content(NamedTuple):
    """What is indexed.

    catalogue: the items. candidates: [num_items, width] float32. users: [num_users] ids. queries:
    [num_users + 1, width] float32, the last one of an unknown user. seen: [n] int64, ascending: for each item that a
    user has seen, the user's position times num_items, plus the item's. popular, popular_scores: [num_items] positions
    of items, the best first, and their float32 scores, for users who are not known.
    """

    catalogue: Catalogue
    candidates: np.ndarray
    users: np.ndarray
    queries: np.ndarray
    seen: np.ndarray
    popular: np.ndarray
    popular_scores: np.ndarray


def read_catalogue(split: str) -> Catalogue:
    """The catalogue's examples in a folder."""
    columns = _read(split, names.ITEM_ID, names.TITLE)
    spec = {names.GENRES: tf.io.VarLenFeature(tf.string)}
    counts, values = [], [np.array([], object)]
    for batch in _records(split).map(lambda serialized: tf.io.parse_example(serialized, spec)[names.GENRES]):
        rows = batch.indices[:, 0].numpy()
        counts.append(np.bincount(rows, minlength=batch.dense_shape[0].numpy()))
        values.append(batch.values.numpy())
    items = np.repeat(np.arange(len(columns[names.ITEM_ID])), np.concatenate(counts))
    genres, genre = np.unique(np.concatenate(values), return_inverse=True)
    order = np.argsort(genre, kind="stable")
    splits = np.append(0, np.cumsum(np.bincount(genre, minlength=len(genres))))
    return Catalogue(columns[names.ITEM_ID], columns[names.TITLE], genres, items[order], splits)


def make_content(model: tf.Module, catalogue: Catalogue, ratings: str) -> Content:
    """Asks the model for all vectors.

    Args:
      model: a loaded SavedModel with the signatures `embed_items`, `embed_users` and `retrieve`.
      catalogue: the items.
      ratings: folder of the training examples, which hold the users and what they have seen.
    """
    items = catalogue.items
    events = _read(ratings, names.USER_ID, names.ITEM_ID)
    users, user = np.unique(events[names.USER_ID], return_inverse=True)
    order = np.argsort(items)
    item = order[np.searchsorted(items, events[names.ITEM_ID], sorter=order)]
    popular = model.retrieve(tf.constant([UNKNOWN]), k=tf.constant(len(items)))
    return Content(
        catalogue,
        _embed(model.embed_items, items),
        users,
        _embed(model.embed_users, np.append(users, UNKNOWN)),
        np.unique(user.astype(np.int64) * len(items) + item),
        order[np.searchsorted(items, popular[names.ITEM_ID][0].numpy(), sorter=order)],
        popular[names.SCORE][0].numpy(),
    )


def _embed(embed: Callable[[tf.Tensor], dict[str, tf.Tensor]], ids: np.ndarray) -> np.ndarray:
    """[n] ids to [n, width] float32."""
    blocks = [tf.constant(ids[begin : begin + _AT_ONCE], tf.string) for begin in range(0, len(ids), _AT_ONCE)]
    return np.concatenate([embed(block)[names.EMBEDDING].numpy() for block in blocks])


def _read(split: str, *features: str) -> dict[str, np.ndarray]:
    """Columns of strings, [n] each, of a split's examples."""
    spec = {name: tf.io.FixedLenFeature([], tf.string, default_value="") for name in features}
    batches = list(_records(split).map(lambda serialized: tf.io.parse_example(serialized, spec)).as_numpy_iterator())
    return {name: np.concatenate([batch[name] for batch in batches]) for name in features}


def _records(split: str) -> tf.data.Dataset:
    """Batches of serialized examples."""
    files = sorted(glob.glob(os.path.join(split, "*")))
    return tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_AT_ONCE)
