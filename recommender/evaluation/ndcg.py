"""NDCG on held-out interactions, which decides when training stops and which weights are chosen."""

from collections.abc import Sequence

import numpy as np

from recommender.evaluation.ranks import gains
from recommender.interactions.ragged import Ragged

CHANCE = 0.002
"""Relative difference by which the measures of equally good models on held-out events may differ."""
_CELLS_AT_ONCE = 2**22
_MOST_EVENTS_AT_ONCE = 512
_EVENTS, _MOST_CELLS = (5_000, 20_000), 3 * 10**7
"""Range of the maximum number of events that are measured, and the number of their scores that decides within it."""


class NdcgMeasure:
    """Mean over held-out events of 1 / log2(1 + rank).

    There is no cut-off: with one, most events would not count, and epochs would be harder to compare. Items that the
    user has seen are left out. Users who have seen nothing do not count, unless there are no others: the model does not
    serve them.

    users: [num_measured] indices, ascending, of the users whose vectors are needed.
    """

    def __init__(self, seen: Ragged, users: np.ndarray, items: np.ndarray, num_items: int, seed: int):
        """Chooses the events to measure.

        Args:
          seen: a row of items for each user.
          users: [n] indices, the row of `seen` of each event's user.
          items: [n] indices, the held-out item of each event; the gain of an unknown item is 0.
          num_items: size of the catalogue.
          seed: seed of the sample of 5,000 to 20,000 events, fewer the more items there are.
        """
        known = np.flatnonzero(np.diff(seen.row_splits)[users] > 0)
        rows = known if len(known) else np.arange(len(users))
        most = min(_EVENTS[1], max(_EVENTS[0], _MOST_CELLS // num_items))
        if len(rows) > most:
            rows = np.random.default_rng(seed).choice(rows, most, replace=False)
        rows = rows[np.argsort(users[rows], kind="stable")]
        self._items = items[rows]
        self.users, self._user = np.unique(users[rows], return_inverse=True)
        self._seen = seen.take(self.users)

    def __call__(self, queries: np.ndarray, candidates: np.ndarray) -> float:
        """Measures the vectors of `users`, [num_measured, width], and of items, [num_items, width], both float32."""
        return self.along((queries, candidates), (queries[:, :0], candidates[:, :0]), [0.0])[0]

    def along(
        self,
        fixed: tuple[np.ndarray, np.ndarray],
        varied: tuple[np.ndarray, np.ndarray],
        weights: Sequence[float],
    ) -> list[float]:
        """Measures sums of scores, those of `fixed` + weight * those of `varied`, for each weight.

        Args:
          fixed: queries, [num_measured, width], and candidates, [num_items, width], both float32.
          varied: the same, of any other width.
          weights: the weights.
        """
        num_events, num_items = len(self._user), len(fixed[1])
        at_once = max(1, min(_MOST_EVENTS_AT_ONCE, _CELLS_AT_ONCE // num_items))
        sums = np.zeros(len(weights))
        for begin in range(0, num_events, at_once):
            user, items = self._user[begin : begin + at_once], self._items[begin : begin + at_once]
            is_known = items < num_items  # the gain of the others is 0
            users, row = np.unique(user[is_known], return_inverse=True)
            items, seen = items[is_known], self._seen.take(users)
            base, change = (queries[users] @ candidates.T for queries, candidates in (fixed, varied))
            own_base, own_change = base[row, items], change[row, items]
            base[seen.rows, seen.values] = -np.inf
            is_own_counted = base[row, items] == own_base
            for place, weight in enumerate(weights):
                scores = base + np.float32(weight) * change if weight else base
                own = own_base + np.float32(weight) * own_change if weight else own_base
                if len(users) < len(row):
                    scores = scores[row]
                # An item with the score NaN is not "at most" another, and ranks last.
                at_most = np.count_nonzero(scores <= own[:, np.newaxis], axis=1)
                lower = np.count_nonzero(scores < own[:, np.newaxis], axis=1)
                ties = at_most - lower - is_own_counted
                sums[place] += np.sum(gains(1 + num_items - at_most + ties / 2))
        return (sums / num_events).tolist()
