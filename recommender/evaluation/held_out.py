"""The users whom an evaluation judges, and their held-out events."""

from typing import NamedTuple

import numpy as np

from recommender.interactions.interactions import Interactions, pairs
from recommender.interactions.ragged import Ragged


class HeldOut(NamedTuple):
    """n users with m held-out pairs of user and item; a pair counts once.

    users: [n] int32 indices; the number of training users or more for one without training events. items: n rows of
    [m] items; the size of the catalogue stands for an unknown item. rating: [m] float32, NaN where there is none.
    timestamp: [m] int64 seconds. is_timed: [m] bool, false for an event without a time. num_users: number of users with
    held-out events, judged or not.
    """

    users: np.ndarray
    items: Ragged
    rating: np.ndarray
    timestamp: np.ndarray
    is_timed: np.ndarray
    num_users: int

    @classmethod
    def of(cls, test: Interactions, seed: int, most_users: int) -> "HeldOut":
        """Takes all users of held-out events, or draws `most_users` of them.

        Args:
          test: held-out events; of several of one pair, the first counts.
          seed: seed of the draw.
          most_users: maximum number of users.
        """
        users = np.unique(test.user)
        num_users = len(users)
        if num_users > most_users:
            users = np.sort(np.random.default_rng(seed).choice(users, most_users, replace=False))
        key = pairs(test.user, test.item)
        is_first = np.zeros(len(test), bool)
        is_first[np.unique(key, return_index=True)[1]] = True
        # Unknown items share an index, but are different ones.
        kept = test.take((is_first | (test.item >= test.num_items)) & np.isin(test.user, users))
        splits = np.append(np.searchsorted(kept.user, users), len(kept))
        return cls(users, Ragged(kept.item, splits), kept.rating, kept.timestamp, kept.is_timed, num_users)

    def part(self, begin: int, end: int) -> "HeldOut":
        """Returns the users from row `begin` up to but excluding `end`, and their events."""
        splits = self.items.row_splits[begin : end + 1]
        events = slice(splits[0], splits[-1])
        items = Ragged(self.items.values[events], splits - splits[0])
        rating, timestamp, is_timed = self.rating[events], self.timestamp[events], self.is_timed[events]
        return HeldOut(self.users[begin:end], items, rating, timestamp, is_timed, self.num_users)
