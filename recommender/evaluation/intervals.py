"""Means with confidence intervals that treat each user as one draw, whatever their number of events."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

_QUANTILE = 1.959964
"""Quantile of the normal distribution: 95 % of it is within this many standard deviations of the mean."""


class Interval(NamedTuple):
    """A value and the ends of its 95 % confidence interval."""

    value: float
    lower: float
    upper: float


def mean_over_users(values: np.ndarray, users: np.ndarray) -> Interval:
    """Returns the mean of [n] values with its 95 % interval; see `ratio_over_users`.

    Args:
      values: [n], one per event.
      users: [n] integers, the user of each event.
    """
    _, group = np.unique(users, return_inverse=True)
    return ratio_over_users(np.bincount(group, values), np.bincount(group))


def ratio_over_users(sums: np.ndarray, counts: np.ndarray) -> Interval:
    """Returns the sum of `sums` divided by that of `counts`, [num_users] each, with its 95 % interval.

    All are NaN without a count; the ends are NaN with fewer than two users that count. The variance is that of a mean
    over clusters of unequal sizes, treated as a ratio (Cochran, Sampling Techniques, 3rd ed., 9A.2): with G users,
    G / (G - 1) times the sum of the squares of sums - ratio * counts, divided by the square of the sum of counts.

    Args:
      sums: of each user's values.
      counts: number of each user's values, at least 0; users with 0 do not count.
    """
    total, num_users = counts.sum(), np.count_nonzero(counts)
    if not num_users:
        return Interval(np.nan, np.nan, np.nan)
    ratio = float(sums.sum() / total)
    if num_users < 2:
        return Interval(ratio, np.nan, np.nan)
    error = float(np.sqrt(num_users / (num_users - 1) * np.sum((sums - ratio * counts) ** 2)) / total)
    return Interval(ratio, ratio - _QUANTILE * error, ratio + _QUANTILE * error)


def jackknife_over_users(
    contributions: np.ndarray, users: np.ndarray, metrics: Callable[[np.ndarray], dict[str, np.ndarray]]
) -> dict[str, Interval]:
    """Returns functions of means with 95 % intervals, computed by leaving out one user at a time.

    The jackknife of Efron and Stein (1981).

    Args:
      contributions: [n, width], one row per event.
      users: [n] integers, the user of each event.
      metrics: maps means, [..., width], to values by name, [...] each.
    """
    _, group = np.unique(users, return_inverse=True)
    counts = np.bincount(group)
    sums = np.zeros((len(counts), contributions.shape[1]))
    np.add.at(sums, group, contributions)
    values = metrics(sums.sum(axis=0) / counts.sum())
    if len(counts) < 2:
        return {name: Interval(float(value), np.nan, np.nan) for name, value in values.items()}
    without = metrics((sums.sum(axis=0) - sums) / (counts.sum() - counts)[:, np.newaxis])
    spread = {name: _QUANTILE * np.sqrt((len(counts) - 1) * np.var(one)) for name, one in without.items()}
    return {
        name: Interval(float(value), float(value - spread[name]), float(value + spread[name]))
        for name, value in values.items()
    }
