"""Columns into serialized tf.Examples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from components.example_gen.history import Histories
from components.example_gen.split import Events
from schemas import signatures
from schemas.slices import slice_labels


def label_slices(counts: np.ndarray, bounds: Sequence[int]) -> np.ndarray:
    """Names the slice of each count.

    Args:
      counts: [n] numbers of events, from 0.
      bounds: the slices' lower bounds beside 0, ascending.

    Returns:
      [n] strings, of `schemas.slices.slice_labels`.
    """
    return np.array(slice_labels(bounds), object)[np.searchsorted(bounds, counts, side="right")]


def encode_ratings(
    events: Events,
    rows: np.ndarray,
    train: np.ndarray,
    histories: Histories,
    activity: np.ndarray,
    popularity: np.ndarray,
) -> list[bytes]:
    """Returns the [num_rows] rating examples of the events at `rows`.

    Args:
      events: all events of some users.
      rows: [num_rows] positions in `events`.
      train: [num_train] positions of the training events, in which `histories` looks.
      histories: of these users.
      activity: [num_users] slice of each user, strings.
      popularity: [num_items] slice of each item, strings.
    """
    offsets, positions = histories.of(events.interactions(rows))
    past = train[positions]
    user, item = events.user[rows], events.item[rows]
    return _encode(
        {
            signatures.USER_ID: _single(_take(events.users, user)),
            signatures.ITEM_ID: _single(_take(events.items, item)),
            signatures.RATING: _single(pa.array(events.rating[rows].astype(np.float32))),
            signatures.TIMESTAMP: _single(pa.array(events.timestamp[rows])),
            signatures.HISTORY_ITEM_ID: _lists(offsets, _take(events.items, events.item[past])),
            signatures.HISTORY_RATING: _lists(offsets, pa.array(events.rating[past].astype(np.float32))),
            signatures.USER_ACTIVITY: _single(_take(activity, user)),
            signatures.ITEM_POPULARITY: _single(_take(popularity, item)),
        }
    )


def encode_candidates(catalogue: pd.DataFrame, genre_separator: str) -> list[bytes]:
    """Returns one example for each row of `item`, `title`, `genres` (joined by the separator), `popularity`."""
    genres = [
        [name.strip().encode() for name in text.split(genre_separator) if name.strip()] for text in catalogue["genres"]
    ]
    return _encode(
        {
            signatures.ITEM_ID: _single(_binary(catalogue["item"])),
            signatures.TITLE: _single(_binary(catalogue["title"])),
            signatures.GENRES: pa.array(genres, pa.list_(pa.binary())),
            signatures.POPULARITY: _single(pa.array(catalogue["popularity"], pa.int64())),
        }
    )


def _encode(features: dict[str, pa.Array]) -> list[bytes]:
    return RecordBatchToExamplesEncoder().encode(pa.RecordBatch.from_pydict(features))


def _take(values: np.ndarray, positions: np.ndarray) -> pa.Array:
    return _binary(values).take(pa.array(positions))


def _binary(strings: np.ndarray | pd.Series) -> pa.Array:
    return pa.array(strings, pa.string()).cast(pa.binary())


def _single(values: pa.Array) -> pa.ListArray:
    return _lists(np.arange(len(values) + 1), values)


def _lists(offsets: np.ndarray, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
