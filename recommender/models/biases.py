"""User and item biases: the baseline of rating prediction."""

from typing import NamedTuple

import numpy as np

DAMPING = 5.0
"""Number of ratings with deviation 0 that are added to the mean of each bias."""


class Biases(NamedTuple):
    """rating = mean + user[u] + item[i].

    mean: the mean rating. user: [num_users + 1], item: [num_items + 1], float32; the last, for unknown ones, is 0.
    """

    mean: float
    user: np.ndarray
    item: np.ndarray

    def predict(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns predicted ratings, [n], of users and items given as indices, [n]; not clipped to a scale."""
        return self.mean + self.user[users] + self.item[items]


def fit_biases(users: np.ndarray, items: np.ndarray, ratings: np.ndarray, num_users: int, num_items: int) -> Biases:
    """Fits damped means: items first, then users on the residuals (Funk, 2006; LensKit's `BiasScorer`).

    Args:
      users: [n] indices in `[0, num_users]`.
      items: [n] indices in `[0, num_items]`.
      ratings: [n].
      num_users: number of known users.
      num_items: number of known items.

    Raises:
      ValueError: there is no rating.
    """
    if len(ratings) == 0:
        raise ValueError("biases need at least one rating, got none")
    mean = float(np.mean(ratings, dtype=np.float64))
    item = _damped_mean(items, ratings - mean, num_items)
    user = _damped_mean(users, ratings - mean - item[items], num_users)
    return Biases(mean, user.astype(np.float32), item.astype(np.float32))


def _damped_mean(groups: np.ndarray, values: np.ndarray, num_groups: int) -> np.ndarray:
    sums = np.bincount(groups, values, num_groups + 1)
    means = sums / (np.bincount(groups, minlength=num_groups + 1) + DAMPING)
    means[num_groups] = 0.0
    return means
