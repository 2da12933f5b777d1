"""`RecentRatings` for all events of a timeline at once."""

import itertools

import numpy as np

from recommender.models.mood import MEAN_DAMPING, WINDOW_DAMPING, WINDOWS, Timeline

_EVENTS_AT_ONCE = 2**18
_NEGLIGIBLE = 1e-12
"""A weight below it counts as 0."""


def recent_ratings_of_events(timeline: Timeline, num_events: int) -> np.ndarray:
    """Computes `RecentRatings` of each event, as if the event itself did not exist.

    Args:
      timeline: the events.
      num_events: number of a user's latest events that count.

    Returns:
      [n, windows + 2] float32.
    """
    places = np.searchsorted(timeline.row_splits, np.arange(0, len(timeline.keys), _EVENTS_AT_ONCE))
    bounds = timeline.row_splits[np.unique([0, *places, len(timeline.row_splits) - 1])]
    found = np.empty((len(timeline.keys), len(WINDOWS) + 2), np.float32)
    for begin, end in itertools.pairwise(bounds):
        found[begin:end] = _of_users(timeline, slice(begin, end), num_events)
    return found


def _of_users(timeline: Timeline, rows: slice, num_events: int) -> np.ndarray:
    """Returns the result for the events at `rows`, which are all events of some users."""
    keys, deviations = timeline.keys[rows], timeline.deviations[rows].astype(np.float64)
    users, times = np.divmod(keys, timeline.span)
    starts, ends = timeline.row_splits[users] - rows.start, np.searchsorted(keys, keys, side="right")
    # The latest events up to the second of the event, which is one of them unless many have the same second.
    is_own = np.arange(len(keys)) >= ends - num_events - 1
    begins = np.maximum(starts, ends - num_events - is_own)
    sums = np.append(0, np.cumsum(deviations))
    counts = ends - begins - is_own
    means = (sums[ends] - sums[begins] - is_own * deviations) / (counts + MEAN_DAMPING)
    since_last = np.where(np.arange(len(keys)) == starts, np.inf, np.diff(times, prepend=0))
    since_begin = np.where(begins == starts, np.inf, times - times[begins - 1])
    columns = []
    for window in WINDOWS:
        weighted = _decayed_sums(np.stack([np.ones(len(keys)), deviations], axis=1), np.exp(-since_last / window))
        weighted = weighted[ends - 1] - np.exp(-since_begin / window)[:, np.newaxis] * weighted[begins - 1]
        weights, values = weighted[:, 0] - is_own, weighted[:, 1] - is_own * deviations
        columns.append((values - means * weights) / (weights + WINDOW_DAMPING))
    since_first = times + timeline.origin - timeline.first[users]
    columns += [np.log1p(since_first / 60), np.log1p(since_first / 86_400)]
    return np.stack(columns, axis=1).astype(np.float32)


def _decayed_sums(values: np.ndarray, decay: np.ndarray) -> np.ndarray:
    """Computes s_j = values_j + decay_j s_(j-1) by doubling the number of terms that each sum has.

    Hillis and Steele, "Data Parallel Algorithms", 1986.

    Args:
      values: [n, k] float64.
      decay: [n] float64 in [0, 1]; the first is 0.
    """
    sums, step = values, 1
    while decay.any():
        # What a sum lacks is the sum that ends `step` places before, times the decay since then.
        sums = sums + np.pad(decay[step:, np.newaxis] * sums[:-step], ((step, 0), (0, 0)))
        decay = np.pad(decay[step:] * decay[:-step], (step, 0))
        decay[decay < _NEGLIGIBLE] = 0
        step *= 2
    return sums
