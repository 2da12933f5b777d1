"""Division of events into training and evaluation."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from schemas.hashing import mix, seeded_share

TRAIN, EVAL, LEFT_OUT, REPLACED = 0, 1, 2, 3
DAY = 86_400
NO_TIME = np.iinfo(np.int64).min
"""The timestamp of an event without one: such events come first."""


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


class Shard(NamedTuple):
    """All events of some users.

    number: of the shard, from 0. side: [num_events] TRAIN, EVAL, LEFT_OUT (a repeat that is not evaluated) or REPLACED
    (by a later event of the same user and item). num_merged: rows that are one event with another of the same second.
    """

    number: int
    events: Events
    side: np.ndarray
    num_merged: int


def sort_events(table: pa.Table) -> Events:
    """Returns the events of a table with rows in any order; rows of the same user, item and second are one event.

    Of these, the last one in the order of the files counts, with the sum of their different weights: equal ones of one
    type of event count once, since the same row twice is a duplicate.

    Args:
      table: `user`, `item`, `file` (strings), `rating` (float64 or null), `timestamp` (int64 seconds or null), `weight`
        (float64), `line`, and `event`, the type, where the log has one.
    """
    users, user = _encode(table["user"])
    items, item = _encode(table["item"])
    _, file = _encode(table["file"])
    identity = mix(hash_ids(users)[user] ^ mix(hash_ids(items))[item])
    rating, timestamp = table["rating"].to_numpy(), table["timestamp"].fill_null(NO_TIME).to_numpy()
    tie = np.where(timestamp == NO_TIME, np.uint64(0), identity)
    order = np.lexsort([table["line"].to_numpy(), file, tie, timestamp, user])
    columns = user, item, rating, timestamp, table["weight"].to_numpy(), identity, order
    kind = _encode(table["event"])[1] if "event" in table.column_names else np.zeros(len(order), np.int64)
    events = _merge_same_second(Events(users, items, *(column[order] for column in columns)), kind[order])
    return events._replace(position=np.arange(len(events.user)) - np.searchsorted(events.user, events.user))


def _merge_same_second(events: Events, kind: np.ndarray) -> Events:
    before, after = slice(None, -1), slice(1, None)
    columns = (events.user, events.item, events.timestamp)
    is_same = np.all([column[before] == column[after] for column in columns], axis=0)
    is_same &= events.timestamp[after] != NO_TIME
    if not is_same.any():
        return events
    group = np.cumsum(np.append(True, ~is_same)) - 1
    different = pd.DataFrame({"group": group, "kind": kind, "weight": events.weight}).drop_duplicates()
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


def split_randomly(identity: np.ndarray, eval_share: float, seed: int) -> np.ndarray:
    """Returns [num_events] TRAIN or EVAL by a seeded hash of (user, item), which all events of a pair share."""
    return np.where(seeded_share(identity, seed) < eval_share, EVAL, TRAIN)


def split_by_time(events: Events, cut: int) -> np.ndarray:
    """Returns [num_events] TRAIN before `cut` or without a time, else EVAL, LEFT_OUT for a repeat of a training pair.

    Args:
      events: the events.
      cut: seconds.
    """
    pair = events.user * len(events.items) + events.item
    before = events.timestamp < cut
    return np.where(before, TRAIN, np.where(np.isin(pair, pair[before]), LEFT_OUT, EVAL))


def split_last(events: Events) -> np.ndarray:
    """Returns [num_events] EVAL for each user's last event if it is the only one of its pair, and not the user's only.

    All other events are TRAIN.
    """
    pair = events.user * len(events.items) + events.item
    last = np.append(events.user[1:] != events.user[:-1], True)
    is_first = events.position == 0
    return np.where(last & ~is_first & ~np.isin(pair, pair[~last]), EVAL, TRAIN)


def drop_repeats(events: Events, side: np.ndarray, repeats: Literal["last", "each"]) -> np.ndarray:
    """Returns [num_events] sides in which events that repeat a user and item of the same part do not count twice.

    Args:
      events: the events.
      side: [num_events] TRAIN, EVAL or LEFT_OUT.
      repeats: `last` keeps the last event of a user and item in each part, the others are REPLACED; `each` keeps all in
        training and the first in evaluation, later ones are LEFT_OUT.
    """
    key = pd.Series((events.user * len(events.items) + events.item) * 4 + side)
    if repeats == "last":
        is_earlier = key.duplicated(keep="last").to_numpy() & (side != LEFT_OUT)
        return np.where(is_earlier, REPLACED, side)
    return np.where(key.duplicated().to_numpy() & (side == EVAL), LEFT_OUT, side)


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
