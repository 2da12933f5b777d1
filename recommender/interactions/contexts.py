"""What each user did, and what of it a query to the fitted model holds."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from recommender.interactions.inputs import Events, Ragged
from schemas.settings import Settings


class UserItems(NamedTuple):
    """The distinct items of each user, by his latest event with each, oldest first; one more row, empty, is last.

    items: [num_users + 1] rows of int32. timestamps: [number of values] int64, seconds.
    """

    items: Ragged
    timestamps: np.ndarray


def user_items(events: Events, num_users: int) -> UserItems:
    """Puts the events of known users in order."""
    order = np.lexsort((events.item, events.timestamp, events.user))
    order = order[events.user[order] < num_users]
    pairs = (events.user[order].astype(np.int64) << 32) | events.item[order]
    latest = len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1]
    order = order[np.sort(latest)]
    splits = np.concatenate([[0], np.cumsum(np.bincount(events.user[order], minlength=num_users + 1))])
    return UserItems(Ragged(events.item[order], splits), events.timestamp[order])


class Contexts(NamedTuple):
    """Queries of every user at the end of training; the last row is the unknown user's, without a history.

    seen: [num_users + 1] rows, the distinct items of the user's training events. histories: the latest of them,
    oldest first. timestamps: [num_users + 1] int64, seconds, when the request is made.
    """

    seen: Ragged
    histories: Ragged
    timestamps: np.ndarray


def user_contexts(events: Events, num_users: int, settings: Settings) -> Contexts:
    """Queries as the split asks them: at the user's latest event in a random one, after all events in one by time."""
    rows, times = user_items(events, num_users)
    ends = rows.row_splits[1:]
    latest = ends[rows.rows] - np.arange(len(rows.values)) <= settings.retrieval.history_length
    timestamps = np.full(num_users + 1, events.timestamp.max())
    if settings.split.method == "random":
        active = np.diff(rows.row_splits) > 0
        timestamps[active] = times[ends[active] - 1]
    return Contexts(rows, rows.keep(latest), timestamps)


def as_ragged(rows: Ragged) -> tf.RaggedTensor:
    """The same rows, [num_rows, (values)]."""
    return tf.RaggedTensor.from_row_splits(tf.constant(rows.values), tf.constant(rows.row_splits, tf.int64))
