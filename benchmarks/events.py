"""Events in any order, to be divided by the protocols."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.interactions import NO_TIME, Interactions


class Events(NamedTuple):
    """Events, one per row.

    user, item: [n] indices. rating: [n] float32, NaN where there is none. timestamp: [n] int64, seconds since
    1970-01-01 UTC, `NO_TIME` where there is none. position: [n], the place of each event among all of its user, oldest
    first; None: by time.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    position: np.ndarray | None = None

    @property
    def has_ratings(self) -> bool:
        """Whether any event has a rating."""
        return not np.isnan(self.rating).all()

    @property
    def has_times(self) -> bool:
        """Whether any event has a time."""
        return bool(np.any(self.timestamp != NO_TIME))

    def take(self, rows: np.ndarray) -> "Events":
        """Returns the events at `rows`: positions, or [n] bool."""
        position = None if self.position is None else self.position[rows]
        return Events(self.user[rows], self.item[rows], self.rating[rows], self.timestamp[rows], position)

    def sorted(self, num_users: int, num_items: int) -> Interactions:
        """Returns the events in the order that the models require."""
        columns = (self.user, self.item, self.rating, self.timestamp, num_users, num_items)
        return Interactions.of(*columns, position=self.position)
