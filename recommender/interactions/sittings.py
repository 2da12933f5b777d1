"""Sittings: the runs of events between which a user was away."""

import numpy as np

from recommender.interactions.interactions import Interactions

PAUSE = 3_600
"""Seconds. In logs of many kinds of activity, the times between a user's events fall into two groups, within and
between sittings, that are best divided at about an hour (Halfaker et al., "User Session Identification Based on Strong
Regularities in Inter-activity Time", 2015)."""


def sittings(events: Interactions) -> np.ndarray:
    """Numbers the sittings, which end when a user pauses for more than an hour.

    Without times, each event is a sitting.

    Returns:
      [n] int64, the sitting of each event, ascending from 0.
    """
    if not events.has_times:
        return np.arange(len(events))
    is_other_user = np.diff(events.user, prepend=-1) != 0
    return np.cumsum(is_other_user | (np.diff(events.timestamp, prepend=0) > PAUSE)) - 1
