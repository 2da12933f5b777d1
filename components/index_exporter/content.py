"""The contents of an index, read from examples and computed by the model's signatures."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.examples import OPTIONAL_TEXT, TEXT, TEXTS, read_columns
from schemas import signatures as names

_IDS_PER_CALL = 8_192
UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"
"""An id that no user has."""


class Catalogue(NamedTuple):
    """The items.

    items: [num_items] ids. titles: [num_items]. genres: [num_genres] names. genre_items: [n] int, positions of the
    items of each genre, genre by genre. genre_splits: [num_genres + 1] int, the row splits of `genre_items`.
    """

    items: np.ndarray
    titles: np.ndarray
    genres: np.ndarray
    genre_items: np.ndarray
    genre_splits: np.ndarray


class Content(NamedTuple):
    """The contents of an index.

    catalogue: the items. candidates: [num_items, width] float32, vectors of the items. users: [num_users] ids. queries:
    [num_users + 1, width] float32, vectors of the users, and last that of an unknown user. seen: [n] int64, ascending:
    for each item that a user has seen, the user's position times num_items plus the item's position. popular,
    popular_scores: [num_items] positions of the items for unknown users, best first, and their float32 scores.
    """

    catalogue: Catalogue
    candidates: np.ndarray
    users: np.ndarray
    queries: np.ndarray
    seen: np.ndarray
    popular: np.ndarray
    popular_scores: np.ndarray


def read_catalogue(split: str) -> Catalogue:
    """Reads the catalogue from the examples in a folder."""
    columns = read_columns([f"{split}/*"], {names.ITEM_ID: TEXT, names.TITLE: OPTIONAL_TEXT, names.GENRES: TEXTS})
    rows = columns[names.GENRES]
    genres, genre = np.unique(rows.values, return_inverse=True)
    order = np.argsort(genre, kind="stable")
    splits = np.append(0, np.cumsum(np.bincount(genre, minlength=len(genres))))
    return Catalogue(columns[names.ITEM_ID], columns[names.TITLE], genres, rows.rows[order], splits)


def make_content(model: tf.Module, catalogue: Catalogue, ratings: str) -> Content:
    """Computes the vectors of all items and users with the model.

    Args:
      model: a loaded SavedModel with the signatures `embed_items`, `embed_users` and `retrieve`.
      catalogue: the items.
      ratings: folder of the training examples, which hold the users and the items they have seen.
    """
    items = catalogue.items
    events = read_columns([f"{ratings}/*"], {names.USER_ID: TEXT, names.ITEM_ID: TEXT})
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
    """Returns the vectors of [n] ids as [n, width] float32."""
    blocks = [tf.constant(ids[begin : begin + _IDS_PER_CALL], tf.string) for begin in range(0, len(ids), _IDS_PER_CALL)]
    return np.concatenate([embed(block)[names.EMBEDDING].numpy() for block in blocks])
