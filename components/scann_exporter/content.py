"""What the index is made of: from examples, and from the model by its signatures."""

import glob
import os
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from components.scann_exporter.index import Content
from schemas import signatures as names

_AT_ONCE = 8_192
UNKNOWN = b"\xf0\x9f\x8d\x94 unknown"
"""An id that no user has."""


def read_items(split: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids and titles, [num_items] each, of the catalogue's examples in a folder."""
    columns = _read(split, names.ITEM_ID, names.TITLE)
    return columns[names.ITEM_ID], columns[names.TITLE]


def make_content(model: tf.Module, items: np.ndarray, titles: np.ndarray, ratings: str) -> Content:
    """Asks the model for all vectors.

    Args:
      model: a loaded SavedModel with the signatures `embed_items`, `embed_users` and `retrieve`.
      items: [num_items] ids.
      titles: [num_items].
      ratings: folder of the training examples, which tell the users and what they have seen.
    """
    events = _read(ratings, names.USER_ID, names.ITEM_ID)
    users, user = np.unique(events[names.USER_ID], return_inverse=True)
    order = np.argsort(items)
    item = order[np.searchsorted(items, events[names.ITEM_ID], sorter=order)]
    popular = model.retrieve(tf.constant([UNKNOWN]), k=tf.constant(len(items)))
    return Content(
        items,
        titles,
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
    files = sorted(glob.glob(os.path.join(split, "*")))
    records = tf.data.TFRecordDataset(files, compression_type="GZIP").batch(_AT_ONCE)
    spec = {name: tf.io.FixedLenFeature([], tf.string, default_value="") for name in features}
    batches = list(records.map(lambda serialized: tf.io.parse_example(serialized, spec)).as_numpy_iterator())
    return {name: np.concatenate([batch[name] for batch in batches]) for name in features}
