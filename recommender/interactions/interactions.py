"""Interactions of users with items, as sorted columns of numpy arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recommender.interactions.ragged import Ragged
from schemas.hashing import mix


@dataclass(frozen=True, eq=False)
class Interactions:
    """Interactions, one per row, sorted by user and time; create them with `Interactions.of`, which sorts.

    A user's interactions in the same second are ordered by a hash of user and item, since neither ids nor the order in
    a file says which came first.

    user, item: [n] int32 indices; `num_users` and `num_items` stand for all unknown ones. rating: [n] float32.
    timestamp: [n] int64, seconds.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    num_users: int
    num_items: int

    @classmethod
    def of(
        cls,
        user: np.ndarray,
        item: np.ndarray,
        rating: np.ndarray,
        timestamp: np.ndarray,
        num_users: int,
        num_items: int,
    ) -> "Interactions":
        """Sorts columns, [n] each, of any integer and floating types."""
        order = np.lexsort((rating, mix(pairs(user, item)), timestamp, user))
        columns = user.astype(np.int32), item.astype(np.int32), rating.astype(np.float32), timestamp.astype(np.int64)
        sorted_user, sorted_item, sorted_rating, sorted_timestamp = (column[order] for column in columns)
        return cls(sorted_user, sorted_item, sorted_rating, sorted_timestamp, num_users, num_items)

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def row_splits(self) -> np.ndarray:
        """[num_users + 2] int64: user `u` has the rows `row_splits[u]:row_splits[u + 1]`."""
        return np.searchsorted(self.user, np.arange(self.num_users + 2))

    @property
    def items(self) -> Ragged:
        """[num_users + 1] rows, the items of each user, oldest first; the last row is that of unknown users."""
        return Ragged(self.item, self.row_splits)

    @cached_property
    def popularity(self) -> np.ndarray:
        """[num_items] int64, the number of interactions with each item."""
        return np.bincount(self.item, minlength=self.num_items + 1)[: self.num_items]

    @cached_property
    def known(self) -> "Interactions":
        """The interactions of known users with known items."""
        is_known = (self.user < self.num_users) & (self.item < self.num_items)
        return self if is_known.all() else self.take(is_known)

    @cached_property
    def distinct(self) -> "Interactions":
        """Each user's latest interaction with each item."""
        pair = pairs(self.user, self.item)
        latest = len(pair) - 1 - np.unique(pair[::-1], return_index=True)[1]
        return self.take(np.sort(latest))

    def take(self, rows: np.ndarray) -> "Interactions":
        """Returns the interactions at `rows`: ascending positions, or [n] bool."""
        columns = self.user[rows], self.item[rows], self.rating[rows], self.timestamp[rows]
        return Interactions(*columns, self.num_users, self.num_items)


def pairs(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Combines [n] indices of users and of items into [n] uint64, a different number for each pair."""
    return (user.astype(np.uint64) << np.uint64(32)) | item.astype(np.uint64)
