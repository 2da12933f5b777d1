"""NDCG on held-out interactions, which decides when training stops and which weights are chosen."""

import numpy as np

from recommender.evaluation.ranks import gains, ranks
from recommender.interactions.ragged import Ragged

CHANCE = 0.002
"""Relative difference by which the measures of equally good models on held-out events may differ."""
_CELLS_AT_ONCE = 2**24
_MOST_EVENTS_AT_ONCE = 512
_MOST_EVENTS, _MOST_CELLS = 20_000, 4 * 10**8
"""Maximum number of events that are measured, and of scores that are computed for them."""


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
          seed: seed of the sample that is taken of more than 20,000 events, or 4 * 10^8 / `num_items` if that is less.
        """
        known = np.flatnonzero(np.diff(seen.row_splits)[users] > 0)
        rows = known if len(known) else np.arange(len(users))
        most = min(_MOST_EVENTS, max(1, _MOST_CELLS // num_items))
        if len(rows) > most:
            rows = np.random.default_rng(seed).choice(rows, most, replace=False)
        rows = rows[np.argsort(users[rows], kind="stable")]
        self._items = items[rows]
        self.users, self._user = np.unique(users[rows], return_inverse=True)
        self._seen = seen.take(self.users)

    def __call__(self, queries: np.ndarray, candidates: np.ndarray) -> float:
        """Measures the vectors of `users`, [num_measured, width], and of items, [num_items, width], both float32."""
        num_events, num_items = len(self._user), len(candidates)
        at_once = max(1, min(_MOST_EVENTS_AT_ONCE, _CELLS_AT_ONCE // num_items))
        sums = 0.0
        for begin in range(0, num_events, at_once):
            users, row = np.unique(self._user[begin : begin + at_once], return_inverse=True)
            scores = queries[users] @ candidates.T
            seen = self._seen.take(users)
            left_out = np.zeros(scores.shape, bool)
            left_out[seen.rows, seen.values] = True
            sums += np.sum(gains(ranks(scores[row], self._items[begin : begin + at_once], left_out[row])))
        return float(sums / num_events)
