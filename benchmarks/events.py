"""Ratings in any order, to be divided by the protocols."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.interactions import Interactions


class Events(NamedTuple):
    """Ratings, one per row.

    user, item: [n] indices. rating: [n] float32. timestamp: [n] int64, seconds since 1970-01-01 UTC.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray

    def take(self, rows: np.ndarray) -> "Events":
        """Returns the events at `rows`: positions, or [n] bool."""
        return Events(self.user[rows], self.item[rows], self.rating[rows], self.timestamp[rows])

    def sorted(self, num_users: int, num_items: int) -> Interactions:
        """Returns the events in the order that the models require."""
        return Interactions.of(self.user, self.item, self.rating, self.timestamp, num_users, num_items)
