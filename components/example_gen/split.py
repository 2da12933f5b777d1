"""Division of events into training and evaluation."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from recommender.sources.events import Events
from schemas.hashing import seeded_share

TRAIN, EVAL, LEFT_OUT, REPLACED = 0, 1, 2, 3
DAY = 86_400


class Shard(NamedTuple):
    """All events of some users.

    number: of the shard, from 0. side: [num_events] TRAIN, EVAL, LEFT_OUT (a repeat that is not evaluated) or REPLACED
    (by a later event of the same user and item). num_merged: rows that are one event with another of the same second.
    """

    number: int
    events: Events
    side: np.ndarray
    num_merged: int


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
