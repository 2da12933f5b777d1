"""Differences between two contenders with 95 % intervals over users, paired by user."""

from collections.abc import Sequence

import numpy as np

from benchmarks.measures import Measure
from recommender.evaluation.intervals import Interval, ratio_over_users


def interval(runs: Sequence[Measure]) -> Interval:
    """Returns the value of a measure with its interval, of the means over seeds."""
    return difference(runs, [run._replace(sums=np.zeros_like(run.sums)) for run in runs])


def difference(ours: Sequence[Measure], peers: Sequence[Measure]) -> Interval:
    """Returns our value minus the peer's, with its interval.

    Each user's sum is averaged over the seeds. A root is replaced by its tangent, sums / (2 * root), for the width of
    the interval.

    Args:
      ours: a measure for each seed.
      peers: the peer's, of the same users.
    """
    values, slopes = [], []
    for runs in (ours, peers):
        measure = runs[0]._replace(sums=np.mean([run.sums for run in runs], axis=0))
        values.append(measure.value)
        slopes.append(measure.sums / (2 * measure.value) if measure.is_root and measure.value else measure.sums)
    linear = ratio_over_users(slopes[0] - slopes[1], ours[0].counts)
    value, half = values[0] - values[1], linear.upper - linear.value
    return Interval(value, value - half, value + half)
