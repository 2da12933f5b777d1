"""Encodes columns as serialized tf.Examples."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from components.example_gen.split import NO_TIME, Events
from recommender.interactions.titles import title_words
from schemas import signatures
from schemas.slices import slice_labels


def label_slices(counts: np.ndarray, bounds: Sequence[int]) -> np.ndarray:
    """Names the slice of each count.

    Args:
      counts: [n] numbers of events, from 0.
      bounds: the slices' lower bounds except 0, ascending.

    Returns:
      [n] strings, of `schemas.slices.slice_labels`.
    """
    return np.array(slice_labels(bounds), object)[np.searchsorted(bounds, counts, side="right")]


def encode_ratings(
    events: Events,
    rows: np.ndarray,
    activity: np.ndarray,
    popularity: np.ndarray,
) -> list[bytes]:
    """Returns the [num_rows] rating examples of the events at `rows`; a rating or time that there is not is absent.

    Args:
      events: all events of some users.
      rows: [num_rows] positions in `events`.
      activity: [num_users] slice of each user, strings.
      popularity: [num_items] slice of each item, strings.
    """
    user, item, rating, timestamp = (column[rows] for column in events[2:6])
    return _encode(
        {
            signatures.USER_ID: _single(_take(events.users, user)),
            signatures.ITEM_ID: _single(_take(events.items, item)),
            signatures.RATING: _single(pa.array(rating.astype(np.float32), mask=np.isnan(rating))),
            signatures.TIMESTAMP: _single(pa.array(timestamp, mask=timestamp == NO_TIME)),
            signatures.WEIGHT: _single(pa.array(events.weight[rows].astype(np.float32))),
            signatures.POSITION: _single(pa.array(events.position[rows])),
            signatures.USER_ACTIVITY: _single(_take(activity, user)),
            signatures.ITEM_POPULARITY: _single(_take(popularity, item)),
        }
    )


def encode_users(users: np.ndarray) -> list[bytes]:
    """Returns one example for each id, [num_users] strings."""
    return _encode({signatures.USER_ID: _single(_binary(users))})


def encode_candidates(catalogue: pd.DataFrame, genre_separator: str) -> list[bytes]:
    """Returns one example for each row of `item`, `title`, `genres` (joined by the separator), `popularity`."""
    genres = [
        [name.strip().encode() for name in text.split(genre_separator) if name.strip()] for text in catalogue["genres"]
    ]
    words = [[word.encode() for word in title_words(title)] for title in catalogue["title"]]
    return _encode(
        {
            signatures.ITEM_ID: _single(_binary(catalogue["item"])),
            signatures.TITLE: _single(_binary(catalogue["title"])),
            signatures.TITLE_WORDS: pa.array(words, pa.list_(pa.binary())),
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
    """Returns a list of one value for each example, and null for null."""
    lists = pa.ListArray.from_arrays(pa.array(np.arange(len(values) + 1), pa.int32()), values)
    return pc.if_else(values.is_valid(), lists, None)
