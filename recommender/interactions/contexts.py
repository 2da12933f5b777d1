"""The query to the fitted model for each user."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged


class Contexts(NamedTuple):
    """Queries of every user at the end of training; the last row is the unknown user's, without a history.

    seen: [num_users + 1] rows, the distinct items of the user's training events. histories: [num_users + 1] rows, the
    latest of these items, oldest first. timestamps: [num_users + 1] int64, seconds, the time of the request.
    """

    seen: Ragged
    histories: Ragged
    timestamps: np.ndarray


def user_contexts(interactions: Interactions, history_length: int, method: str) -> Contexts:
    """Makes the queries, with request times that suit the split.

    Args:
      interactions: training events of known users with known items.
      history_length: maximum number of items in a history.
      method: method of the split; a request is made at the time of the user's latest event, and of the
        latest of all events for `time`.
    """
    distinct = interactions.distinct
    rows = distinct.items
    ends = rows.row_splits[1:]
    latest = ends[rows.rows] - np.arange(len(rows.values)) <= history_length
    timestamps = np.full(interactions.num_users + 1, interactions.timestamp.max())
    if method != "time":
        active = np.diff(rows.row_splits) > 0
        timestamps[active] = distinct.timestamp[ends[active] - 1]
    return Contexts(rows, rows.keep(latest), timestamps)
