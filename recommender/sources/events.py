"""The events of users in order."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from recommender.interactions.interactions import NO_TIME
from schemas.hashing import mix


class Events(NamedTuple):
    """The events of some users, sorted by user and from the oldest to the latest.

    A user's events of one second are ordered by a hash of user and item, those without a time, which come first, by
    file and line.

    users [num_users], items [num_items]: distinct ids, ascending. user, item: [num_events] positions in these.
    rating: [num_events] float64, NaN where there is none. timestamp: [num_events] int64, seconds, or NO_TIME. weight:
    [num_events] float64, above 0. identity: [num_events] uint64 hash of (user, item). position: [num_events] int64, the
    event's number, from 0, among those of its user.
    """

    users: np.ndarray
    items: np.ndarray
    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    weight: np.ndarray
    identity: np.ndarray
    position: np.ndarray


def sort_events(table: pa.Table) -> Events:
    """Returns the events of a table with rows in any order; rows of the same user, item and second are one event.

    Of these, the last one in the order of the files counts, with the sum of their different weights: equal ones count
    once, since the same row twice is a duplicate.

    Args:
      table: `user`, `item`, `file` (strings), `rating` (float64 or null), `timestamp` (int64 seconds or null), `weight`
        (float64), `line`.
    """
    users, user = _encode(table["user"])
    items, item = _encode(table["item"])
    _, file = _encode(table["file"])
    identity = mix(hash_ids(users)[user] ^ mix(hash_ids(items))[item])
    rating, timestamp = table["rating"].to_numpy(), table["timestamp"].fill_null(NO_TIME).to_numpy()
    tie = np.where(timestamp == NO_TIME, np.uint64(0), identity)
    order = np.lexsort([table["line"].to_numpy(), file, tie, timestamp, user])
    columns = user, item, rating, timestamp, table["weight"].to_numpy(), identity, order
    events = _merge_same_second(Events(users, items, *(column[order] for column in columns)))
    return events._replace(position=np.arange(len(events.user)) - np.searchsorted(events.user, events.user))


def _merge_same_second(events: Events) -> Events:
    before, after = slice(None, -1), slice(1, None)
    columns = (events.user, events.item, events.timestamp)
    is_same = np.all([column[before] == column[after] for column in columns], axis=0)
    is_same &= events.timestamp[after] != NO_TIME
    if not is_same.any():
        return events
    group = np.cumsum(np.append(True, ~is_same)) - 1
    different = pd.DataFrame({"group": group, "weight": events.weight}).drop_duplicates()
    last = np.append(~is_same, True)
    merged = Events(events.users, events.items, *(column[last] for column in events[2:]))
    return merged._replace(weight=np.bincount(different["group"], different["weight"]))


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
