"""Which events of a log count, and whether its ratings say anything."""

from dataclasses import replace
from typing import Literal

import numpy as np

from recommender.interactions.interactions import Interactions, pairs


def settle(events: Interactions, repeats: Literal["auto", "last", "each"]) -> Interactions:
    """Applies the rules for the events of a log.

    Ratings that are all equal are none. Events of one user and item in the same second are one event: the last of them,
    with the sum of their different weights, since the same row twice is a duplicate.

    Args:
      events: all events of the log.
      repeats: `last` keeps each user's latest event with each item, `each` keeps all, and `auto` is `last` with ratings
        and `each` without.
    """
    rated = events.rated.rating
    if len(rated) and rated.min() == rated.max():
        events = replace(events, rating=np.full_like(events.rating, np.nan))
    events = _one_a_second(events)
    if repeats == "last" or (repeats == "auto" and events.has_ratings):
        pair = pairs(events.user, events.item)
        return events.take(np.sort(len(pair) - 1 - np.unique(pair[::-1], return_index=True)[1]))
    return events


def _one_a_second(events: Interactions) -> Interactions:
    before, after = slice(None, -1), slice(1, None)
    columns = events.user, events.item, events.timestamp
    is_same = np.all([column[before] == column[after] for column in columns], axis=0)
    is_same &= events.is_timed[before] & events.is_timed[after]
    if not is_same.any():
        return events
    group = np.cumsum(np.append(True, ~is_same)) - 1
    order = np.lexsort((events.weight, group))
    is_new = np.append(True, (np.diff(group[order]) > 0) | (np.diff(events.weight[order]) > 0))
    weight = np.bincount(group[order][is_new], events.weight[order][is_new]).astype(np.float32)
    return replace(events.take(np.append(~is_same, True)), weight=weight)
