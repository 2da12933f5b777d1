"""Popularity: the baselines of retrieval that are the same for all users."""

from typing import NamedTuple

import numpy as np

from recommender.evaluation.lists import first_items
from recommender.evaluation.measures import of_users, ranks_in_lists
from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged

SHARE = 0.1
"""Share of the training events that is held out to choose a constant."""
_HALVINGS = 12
"""The fastest decay considered is 1 / 2^12 of the log's time span: 4 hours for two years."""
_MOST_USERS = 5_000
_DAY = 86_400.0


class Popularity(NamedTuple):
    """An order of all items, the same for all users.

    order: [num_items], the best first. days: after this time an event counts 1 / e as much; infinite without a decay.
    """

    order: np.ndarray
    days: float

    def lists(self, users: np.ndarray, seen: Ragged) -> np.ndarray:
        """Returns lists, [n, 100]; see `first_items`."""
        return first_items(self.order, users, seen)


def popularity(train: Interactions, days: float = np.inf) -> Popularity:
    """Orders items by the sum of exp(-age / days) over their training events, ties by their number.

    Args:
      train: training events.
      days: infinite: all events count the same.
    """
    return Popularity(np.lexsort((-train.popularity, -recent_events(train, days))), days)


def recent_events(train: Interactions, days: float) -> np.ndarray:
    """Returns the sum of exp(-age / days) over each item's events, times a constant that gives all events their number.

    Returns:
      [num_items] float32.
    """
    age = (train.timestamp.max(initial=0) - train.timestamp) / _DAY
    weights = np.exp(-age / days)
    sums = np.bincount(train.item, weights, train.num_items)[: train.num_items] * (len(train) / weights.sum())
    # Programs disagree on whether a number below float32's range of full precision is 0, and thus on the order.
    return np.where(sums < np.finfo(np.float32).tiny, 0, sums).astype(np.float32)


def decays(train: Interactions) -> list[float]:
    """Returns the decay times to try, in days: the log's time span, halved up to twelve times, and infinite."""
    span = float(np.ptp(train.timestamp) / _DAY)
    return [np.inf, *(span / 2**halving for halving in range(_HALVINGS + 1))] if span else [np.inf]


def recency_popularity(train: Interactions, seed: int) -> Popularity:
    """Orders items by recent popularity, with the decay that has the best NDCG@10 on the latest training events.

    Without times there is no decay.

    Args:
      train: training events, at least two pairs of user and item.
      seed: seed of the sample of users that is taken if there are many.
    """
    days = decays(train)
    if len(days) == 1:
        return popularity(train)
    divided = hold_out(train, SHARE, "time", seed)
    asked, fitted = Asked.of(divided.held_out, seed), divided.fitted
    values = [asked.ndcg(popularity(fitted, one).lists(asked.users, fitted.items), 10) for one in days]
    return popularity(train, days[int(np.argmax(values))])


class Asked(NamedTuple):
    """Users with held-out items, on which constants are chosen.

    users: [n] indices. relevant: n rows of items. num_items: size of the catalogue.
    """

    users: np.ndarray
    relevant: Ragged
    num_items: int

    @classmethod
    def of(cls, held_out: Interactions, seed: int) -> "Asked":
        """Takes all users of held-out events, or draws 5,000 of them."""
        users = np.unique(held_out.user)
        if len(users) > _MOST_USERS:
            users = np.sort(np.random.default_rng(seed).choice(users, _MOST_USERS, replace=False))
        return cls(users, held_out.items.take(users), held_out.num_items)

    def ndcg(self, lists: np.ndarray, k: int) -> float:
        """Returns NDCG@k, with `k` 10 or 100, of lists, [n, 100]."""
        ranks = ranks_in_lists(lists, self.relevant, self.num_items)
        return of_users(ranks, self.relevant.rows, len(self.users))[f"ndcg_at_{k}"].value
