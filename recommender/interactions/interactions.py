"""Interactions of users with items, as sorted columns of numpy arrays."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recommender.interactions.ragged import Ragged
from schemas.hashing import mix

NO_TIME = int(np.iinfo(np.int64).min)
"""Stands for the timestamp of an event without a time."""
_COLUMNS = ("user", "item", "rating", "timestamp", "is_timed", "weight", "position")


@dataclass(frozen=True, eq=False)
class Interactions:
    """Interactions, one per row, sorted by user and position; create them with `Interactions.of`, which sorts.

    user, item: [n] int32 indices; `num_users` and `num_items` stand for all unknown ones. rating: [n] float32, NaN
    where there is none. timestamp: [n] int64, seconds; where there is no time, that of the user's first event with one,
    else that of the first event of all, and 0 in a log without times. is_timed: [n] bool, false for such a timestamp.
    weight: [n] float32, above 0. position: [n] int64, from 0, the place of the event among all of its user in the log,
    oldest first.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    timestamp: np.ndarray
    is_timed: np.ndarray
    weight: np.ndarray
    position: np.ndarray
    num_users: int
    num_items: int

    @classmethod
    def of(
        cls,
        user: np.ndarray,
        item: np.ndarray,
        rating: np.ndarray | None,
        timestamp: np.ndarray | None,
        num_users: int,
        num_items: int,
        weight: np.ndarray | None = None,
        position: np.ndarray | None = None,
    ) -> "Interactions":
        """Sorts columns, [n] each, of any integer and floating types.

        Args:
          user: indices in `[0, num_users]`.
          item: indices in `[0, num_items]`.
          rating: NaN where there is none; None: there are no ratings.
          timestamp: seconds, NaN or `NO_TIME` where there is none; None: there are no times.
          num_users: number of known users.
          num_items: number of known items.
          weight: above 0; None: 1.
          position: as in the class; None: by time, events without one first, in the order given if no event has one. A
            user's events in the same second are ordered by a hash of user and item, since neither ids nor the order in
            a file says which came first; those with the same item stay in the order given.
        """
        rating = np.full(len(user), np.nan) if rating is None else rating
        times = np.full(len(user), NO_TIME) if timestamp is None else _seconds(timestamp)
        is_timed = times != NO_TIME
        ties = (mix(pairs(user, item)), times) if is_timed.any() else ()
        order = np.lexsort((*ties, user) if position is None else (*ties, position, user))
        users = user.astype(np.int32)[order]
        if position is None:
            places = np.arange(len(users)) - np.searchsorted(users, users)
        else:
            places = position.astype(np.int64)[order]
        return cls(
            user=users,
            item=item.astype(np.int32)[order],
            rating=rating.astype(np.float32)[order],
            timestamp=_filled(times[order], users, num_users),
            is_timed=is_timed[order],
            weight=(np.ones(len(user)) if weight is None else weight).astype(np.float32)[order],
            position=places,
            num_users=num_users,
            num_items=num_items,
        )

    def __len__(self) -> int:
        return len(self.user)

    @cached_property
    def has_ratings(self) -> bool:
        """Whether any interaction has a rating."""
        return not np.isnan(self.rating).all()

    @cached_property
    def has_times(self) -> bool:
        """Whether any interaction has a time."""
        return bool(self.is_timed.any())

    @cached_property
    def has_weights(self) -> bool:
        """Whether the weights differ."""
        return len(self) > 0 and bool(np.ptp(self.weight) > 0)

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
    def rated(self) -> "Interactions":
        """The interactions with a rating."""
        is_rated = ~np.isnan(self.rating)
        return self if is_rated.all() else self.take(is_rated)

    @cached_property
    def distinct(self) -> "Interactions":
        """Each user's latest interaction with each item, with the sum of the pair's weights."""
        pair = pairs(self.user, self.item)
        in_order = np.sort(pair)
        if np.all(in_order[1:] > in_order[:-1]):
            return self
        _, place, group = np.unique(pair[::-1], return_index=True, return_inverse=True)
        latest = len(pair) - 1 - place
        order = np.argsort(latest)
        weight = np.bincount(group, self.weight[::-1], len(place))[order]
        return replace(self.take(latest[order]), weight=weight.astype(np.float32))

    def take(self, rows: np.ndarray) -> "Interactions":
        """Returns the interactions at `rows`: ascending positions, or [n] bool."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def with_users(self, index: np.ndarray, num_users: int) -> "Interactions":
        """Returns the interactions with the users `index`, [self.num_users + 1], in `[0, num_users]`."""
        user = index[self.user].astype(np.int32)
        return replace(self, user=user, num_users=num_users).take(np.argsort(user, kind="stable"))


def pairs(user: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Combines [n] indices of users and of items into [n] uint64, a different number for each pair."""
    return (user.astype(np.uint64) << np.uint64(32)) | item.astype(np.uint64)


def _seconds(timestamp: np.ndarray) -> np.ndarray:
    """Returns [n] int64, with `NO_TIME` for NaN."""
    if timestamp.dtype.kind in "iu":
        return timestamp.astype(np.int64)
    known = ~np.isnan(timestamp)
    return np.where(known, np.where(known, timestamp, 0).astype(np.int64), NO_TIME)


def _filled(times: np.ndarray, users: np.ndarray, num_users: int) -> np.ndarray:
    """Returns the times, [n], sorted by user and position, with others in place of `NO_TIME`; see `Interactions`."""
    timed = np.flatnonzero(times != NO_TIME)[::-1]
    if len(timed) == len(times):
        return times
    first = np.full(num_users + 1, times[timed].min() if len(timed) else 0)
    first[users[timed]] = times[timed]  # the last value that is assigned counts, the user's first
    return np.where(times != NO_TIME, times, first[users])
