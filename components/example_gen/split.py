"""Division of events into training and evaluation."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from schemas.hashing import mix, seeded_share

TRAIN, EVAL, LEFT_OUT = 0, 1, 2
DAY = 86_400


class Events(NamedTuple):
    """The events of some users, sorted by user, timestamp, item and rating.

    users [num_users], items [num_items]: distinct ids, ascending. user, item: [num_events] positions in these.
    rating: [num_events] float64. timestamp: [num_events] int64, seconds. identity: [num_events] uint64 hash of
    (user, item).
    """

    users: np.ndarray
    items: np.ndarray
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    identity: np.ndarray


class Shard(NamedTuple):
    """All events of some users. number: of the shard, from 0. side: [num_events] TRAIN, EVAL or LEFT_OUT."""

    number: int
    events: Events
    side: np.ndarray


def sort_events(table: pa.Table) -> Events:
    """Returns the events of a table of `user`, `item`, `rating`, `timestamp`, with rows in any order."""
    users, user = _encode(table["user"])
    items, item = _encode(table["item"])
    rating, timestamp = table["rating"].to_numpy(), table["timestamp"].to_numpy()
    order = np.lexsort([rating, item, timestamp, user])
    user, item = user[order], item[order]
    identity = mix(hash_ids(users)[user] ^ mix(hash_ids(items))[item])
    return Events(users, items, user, item, rating[order], timestamp[order], identity)


def _encode(column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    encoded = column.combine_chunks().dictionary_encode()
    ids = encoded.dictionary.to_numpy(zero_copy_only=False)
    order = np.argsort(ids)
    rank = np.empty(len(ids), np.int64)
    rank[order] = np.arange(len(ids))
    return ids[order], rank[encoded.indices.to_numpy()]


def hash_ids(ids: np.ndarray) -> np.ndarray:
    """Returns [num_ids] uint64, the same for the same string in every process."""
    return pd.util.hash_array(ids, categorize=False)


def split_randomly(identity: np.ndarray, eval_share: float, seed: int) -> np.ndarray:
    """Returns [num_events] TRAIN or EVAL by a seeded hash of (user, item), which all events of a pair share."""
    return np.where(seeded_share(identity, seed) < eval_share, EVAL, TRAIN)


def split_by_time(events: Events, cut: int) -> np.ndarray:
    """Returns [num_events] TRAIN before `cut`, EVAL from then on, LEFT_OUT for a later repeat of a training pair."""
    pair = events.user * len(events.items) + events.item
    before = events.timestamp < cut
    return np.where(before, TRAIN, np.where(np.isin(pair, pair[before]), LEFT_OUT, EVAL))


def eval_rank(num_events: int, eval_share: float) -> int:
    """Returns the position, by time and from 0, of the event at which the evaluation starts."""
    return num_events - max(1, round(num_events * eval_share))


def locate(counts: Mapping[int, int], rank: int) -> tuple[int, int]:
    """Finds the key that holds the element of a position in ascending order.

    Args:
      counts: number of elements by key.
      rank: position from 0, below the sum of `counts`.

    Returns:
      The key, and the element's position among those of the key; (0, 0) if there are no elements.
    """
    for key in sorted(counts):
        if rank < counts[key]:
            return key, rank
        rank -= counts[key]
    return 0, 0
