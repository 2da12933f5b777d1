"""A SavedModel's recommendations for its known users, as tables."""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf

from recommender.serving.saved_model import load_saved_model
from schemas import signatures as names
from schemas.errors import DataError

_TEXTS = (names.ITEM_ID, names.TITLE)
_NUMBERS = (names.SCORE, names.RETRIEVAL_SCORE, names.RATING)
SCHEMA = pa.schema(
    [
        (names.USER_ID, pa.string()),
        (names.RANK, pa.int32()),
        *((name, pa.string()) for name in _TEXTS),
        *((name, pa.float32()) for name in _NUMBERS),
    ]
)
"""One row per recommended item; `rank` counts from 1 for each user, by descending `score`.

Without `rating` for a model that predicts none.
"""

_SCORES_AT_ONCE = 2**23
"""Maximum number of users times items scored in one call; limits each tensor of scores to 32 MiB."""
_ROWS_AT_ONCE = 2**16
"""Approximate number of rows of a table."""
_MAX_USERS_PER_CALL = 256
"""Maximum number of users per call: more make calls no faster, and the candidates of all users are rated at once."""


class KnownUsers:
    """The users of a SavedModel and their recommendations, without items seen in training."""

    def __init__(self, model: Path, k: int):
        """Loads the model.

        Args:
          model: folder of the SavedModel.
          k: number of items recommended to each user, at least 1.

        Raises:
          DataError: the model cannot be loaded, or lacks a signature.
        """
        try:
            self._model = load_saved_model(model)
            self.num_users = int(self._model.list_users(0, 0)[names.NUM_USERS])
            num_items = int(self._model.list_items(0, 0)[names.NUM_ITEMS])
            is_rated = names.RATING in self._model.signatures[names.RECOMMEND].structured_outputs
        except (OSError, AttributeError, KeyError, tf.errors.OpError) as error:
            raise DataError(
                f"{model}: expected a complete version with all signatures, got: {error}; push the model again"
            ) from error
        self.schema = SCHEMA if is_rated else SCHEMA.remove(SCHEMA.get_field_index(names.RATING))
        self._k = min(k, num_items)
        self._users_per_table = max(1, _ROWS_AT_ONCE // self._k)
        self._users_per_call = max(1, min(_SCORES_AT_ONCE // num_items, self._users_per_table, _MAX_USERS_PER_CALL))

    def tables(self, begin: int, end: int, report: Callable[[int], None]) -> Iterator[pa.Table]:
        """Recommends to a range of users.

        Args:
          begin: number of the first user, in `[0, num_users]`.
          end: number after that of the last user.
          report: called with the number of users done, after each table.

        Yields:
          Tables with `schema`, sorted by user; a user with fewer than k items left has fewer rows.
        """
        for first in range(begin, end, self._users_per_table):
            last = min(first + self._users_per_table, end)
            calls = range(first, last, self._users_per_call)
            yield pa.concat_tables([self._recommend(call, min(call + self._users_per_call, last)) for call in calls])
            report(last - begin)

    def _recommend(self, begin: int, end: int) -> pa.Table:
        users = self._model.list_users(begin, end)[names.USER_ID]
        columns = self._model.recommend(users, k=self._k)
        is_item = tf.not_equal(columns[names.ITEM_ID], "").numpy()
        rows, places = np.nonzero(is_item)
        arrays = [
            pa.array(users.numpy(), pa.string()).take(pa.array(rows)),
            pa.array((places + 1).astype(np.int32)),
            *(pa.array(columns[name].numpy()[is_item], pa.string()) for name in _TEXTS),
            *(pa.array(columns[name].numpy()[is_item]) for name in _NUMBERS if name in self.schema.names),
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


@functools.lru_cache(maxsize=1)
def load(model: Path, k: int) -> KnownUsers:
    """Loads a model once per process, since that takes seconds and Beam may set up its workers many times."""
    return KnownUsers(model, k)


def fingerprint(model: Path) -> str:
    """Identifies a SavedModel: TensorFlow's hashes of its graphs and of its variables."""
    found = tf.saved_model.experimental.read_fingerprint(str(model))
    return f"{found.saved_model_checksum}/{found.checkpoint_hash}"
