"""Standard measures of lists of recommended items, per user and per event.

A relevant item is a held-out one; a pair of user and item counts once. `r` is the item's rank in the user's list, from
1, and infinite if the list does not contain it; `n` is the number of the user's relevant items. Per user:

* NDCG@k: the sum of 1 / log2(1 + r) over relevant items with r <= k, divided by the same sum for the ranks 1 to
  min(k, n) (Jarvelin and Kekalainen, "Cumulated gain-based evaluation of IR techniques", 2002, with binary gains);
* recall@k: the number of relevant items with r <= k, divided by n;
* MRR: 1 / the lowest r, 0 if no relevant item is in the list (Voorhees, "The TREC-8 question answering track report",
  1999).

Per event, that is, for each pair of user and relevant item: top-k accuracy is 1 if r <= k, else 0; NDCG@10 has one
relevant item; MRR is 1 / r.
"""

from typing import NamedTuple

import numpy as np

from recommender.evaluation.intervals import Interval, ratio_over_users
from recommender.evaluation.ranks import gains
from recommender.interactions.ragged import Ragged
from schemas.metrics import EVENT_NDCG_K, LIST_K, TOP_K

LENGTH = max(LIST_K)
"""Length of the lists that are measured."""
_TOP_QUARTER = 0.75


def is_liked(rating: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Returns whether [n] ratings are in the top quarter of the scale, [n] bool; false for NaN."""
    return rating >= scale[0] + _TOP_QUARTER * (scale[1] - scale[0])


class Measure(NamedTuple):
    """A measure as a ratio of sums over users.

    sums, counts: [num_users] float64; for a mean over users, a count is 1, or 0 for a user without a relevant item.
    """

    sums: np.ndarray
    counts: np.ndarray

    @property
    def value(self) -> float:
        """The ratio; NaN if no user counts."""
        return ratio_over_users(self.sums, self.counts).value

    def interval(self, less: "Measure | None" = None) -> Interval:
        """Returns the value with its interval; with `less`, of the paired difference from a measure of the same users.

        Args:
          less: with the same counts.
        """
        return ratio_over_users(self.sums if less is None else self.sums - less.sums, self.counts)


def ranks_in_lists(lists: np.ndarray, relevant: Ragged, num_items: int) -> np.ndarray:
    """Returns the rank of each relevant item in its user's list.

    Args:
      lists: [num_users, k] items, the best first; `num_items` or more is padding.
      relevant: a row of distinct items for each user; `num_items` or more stands for one that is in no list.
      num_items: number of items that lists can contain.

    Returns:
      [number of relevant items] float64, from 1; infinite for an item that is not in the list.
    """
    rows, places = np.nonzero(lists < num_items)
    keys = rows * num_items + lists[rows, places]
    order = np.argsort(keys, kind="stable")
    keys, positions = np.append(keys[order], -1), np.append(places[order] + 1.0, np.inf)
    asked = np.where(relevant.values < num_items, relevant.rows * num_items + relevant.values, -2)
    found = np.searchsorted(keys[:-1], asked)
    return np.where(keys[found] == asked, positions[found], np.inf)


def of_users(ranks: np.ndarray, users: np.ndarray, num_users: int) -> dict[str, Measure]:
    """Returns the measures per user by name; users without a relevant item do not count.

    Args:
      ranks: [n] as of `ranks_in_lists`.
      users: [n] the row of each rank's user.
      num_users: number of rows.
    """
    relevant = np.bincount(users, minlength=num_users)
    counts, best = (relevant > 0).astype(np.float64), np.full(num_users, np.inf)
    np.minimum.at(best, users, ranks)
    ideal = np.concatenate([[0], np.cumsum(gains(np.arange(1, LENGTH + 1)))])
    sums = {}
    for k in LIST_K:
        gained = np.bincount(users, gains(ranks, k), num_users)
        sums[f"ndcg_at_{k}"] = gained / np.maximum(ideal[np.minimum(relevant, k)], 1)
    for k in LIST_K:
        sums[f"recall_at_{k}"] = np.bincount(users, ranks <= k, num_users) / np.maximum(relevant, 1)
    sums["mrr"] = 1 / best
    return {name: Measure(column, counts) for name, column in sums.items()}


def of_events(ranks: np.ndarray, users: np.ndarray, num_users: int) -> dict[str, Measure]:
    """Returns the measures per event by name; arguments as of `of_users`."""
    values: dict[str, np.ndarray] = {f"event_top_{k}_accuracy": ranks <= k for k in TOP_K}
    values |= {f"event_ndcg_at_{EVENT_NDCG_K}": gains(ranks, EVENT_NDCG_K), "event_mrr": 1 / ranks}
    counts = np.bincount(users, minlength=num_users).astype(np.float64)
    return {name: Measure(np.bincount(users, value, num_users), counts) for name, value in values.items()}
