"""NDCG on held-out interactions, which decides when training stops and which weights are chosen."""

from collections.abc import Sequence

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
            users, row = np.unique(self._user[begin : begin + at_once], return_inverse=True)
            items, seen = self._items[begin : begin + at_once], self._seen.take(users)
            left_out = np.zeros((len(users), num_items), bool)
            left_out[seen.rows, seen.values] = True
            left_out = left_out[row]
            base, change = (queries[users] @ candidates.T for queries, candidates in (fixed, varied))
            for place, weight in enumerate(weights):
                scores = base + np.float32(weight) * change if weight else base
                sums[place] += np.sum(gains(ranks(scores[row], items, left_out)))
        return (sums / num_events).tolist()
