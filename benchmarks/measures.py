"""Quality measures of scores and ratings, computed by the same code for every contender.

An item's rank in a user's list is that of `recommender.evaluation.ranks`, among the items without a training event of
the user: half of the items with an equal score count as higher, and an item whose score is NaN counts as higher than
all others, but ranks last itself. b@K is a mean over events; R@K, NDCG@K and MRR are means over the users who have an
event.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.events import Events
from recommender.evaluation.ranks import ranks as ranks_of

_USERS_AT_ONCE = 128

Scores = Callable[[np.ndarray], np.ndarray]
"""Returns the scores of all items, [n, num_items] float32, for users, [n] indices."""


class Measure(NamedTuple):
    """A measure as a sum over users divided by a count over users.

    sums, counts: [n], for the users with test events, in ascending order. is_root: whether the square root is taken.
    """

    sums: np.ndarray
    counts: np.ndarray
    is_root: bool = False

    @property
    def value(self) -> float:
        """The value over all users."""
        mean = float(self.sums.sum() / self.counts.sum())
        return mean**0.5 if self.is_root else mean


class Ranks(NamedTuple):
    """Ranks of the test events' items in their users' lists.

    user: [n] indices. rank: [n] ranks among the items without a training event of the user. num_unseen: [n] numbers of
    these items. coverage: share of all items that are among the first 10 of any user with test events, without the
    items of the user's training events.
    """

    user: np.ndarray
    rank: np.ndarray
    num_unseen: np.ndarray
    coverage: float


def rank(scores: Scores, train: Events, test: Events, num_items: int) -> Ranks:
    """Ranks the items of the test events, a block of users at a time.

    Raises:
      ValueError: the scores of a block do not have the shape [users, num_items].
    """
    train_rows, test_rows = _rows_by_user(train.user), _rows_by_user(test.user)
    rank, num_unseen = np.zeros(len(test.user)), np.zeros(len(test.user), np.int64)
    shown = np.zeros(num_items, bool)
    users = np.unique(test.user)
    for begin in range(0, len(users), _USERS_AT_ONCE):
        block = users[begin : begin + _USERS_AT_ONCE]
        values = np.asarray(scores(block))
        if values.shape != (len(block), num_items):
            expected = (len(block), num_items)
            raise ValueError(f"scores of {len(block)} users: expected the shape {expected}, got {values.shape}")
        for user, row in zip(block, values, strict=True):
            rows = test_rows[user]
            is_seen = np.zeros(num_items, bool)
            is_seen[train.item[train_rows.get(user, [])]] = True
            lists, left_out = (np.broadcast_to(one, (len(rows), num_items)) for one in (row, is_seen))
            rank[rows] = ranks_of(lists, test.item[rows], left_out)
            unseen = np.flatnonzero(~is_seen)
            num_unseen[rows] = len(unseen)
            shown[_first(row[unseen], 10, unseen)] = True
    return Ranks(test.user, rank, num_unseen, float(shown.mean()))


def _rows_by_user(user: np.ndarray) -> dict[int, np.ndarray]:
    order = np.argsort(user, kind="stable")
    users, begins = np.unique(user[order], return_index=True)
    return dict(zip(users.tolist(), np.split(order, begins[1:]), strict=True))


def _first(scores: np.ndarray, count: int, items: np.ndarray) -> np.ndarray:
    """Returns the `count` items with the highest scores; NaN comes last."""
    descending = -np.nan_to_num(scores, nan=-np.inf)
    return items[np.argpartition(descending, count - 1)[:count]] if len(items) > count else items


def share_within(user: np.ndarray, ranks: np.ndarray, k: int) -> Measure:
    """Returns the share of [n] ranks that are at most `k`: b@K."""
    return _over_events(user, (ranks <= k).astype(np.float64))


def recall(user: np.ndarray, ranks: np.ndarray, k: int) -> Measure:
    """Returns the mean over users of (events within the first `k`) / (events)."""
    return _over_users(user, ranks <= k, lambda counts: counts)


def ndcg(user: np.ndarray, ranks: np.ndarray, k: int) -> Measure:
    """Returns the mean over users of DCG / ideal DCG with binary gains (Jarvelin and Kekalainen, 2002).

    DCG is the sum of 1 / log2(1 + rank) over the user's events with rank <= k; in the ideal DCG their ranks are 1, 2,
    ...
    """
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(1 + np.arange(1, k + 1)))])
    return _over_users(user, np.where(ranks <= k, 1 / np.log2(1 + ranks), 0), lambda n: ideal[np.minimum(n, k)])


def mrr(user: np.ndarray, ranks: np.ndarray) -> Measure:
    """Returns the mean over users of 1 / (best rank of the user's events)."""
    users, rows = np.unique(user, return_inverse=True)
    best = np.full(len(users), np.inf)
    np.minimum.at(best, rows, ranks)
    return Measure(1 / best, np.ones(len(users)))


def _over_users(user: np.ndarray, gains: np.ndarray, best: Callable[[np.ndarray], np.ndarray]) -> Measure:
    summed = _over_events(user, gains)
    return Measure(summed.sums / best(summed.counts), np.ones(len(summed.sums)))


def _over_events(user: np.ndarray, values: np.ndarray, is_root: bool = False) -> Measure:
    _, rows, counts = np.unique(user, return_inverse=True, return_counts=True)
    return Measure(np.bincount(rows, values), counts, is_root)


def retrieval(ranks: Ranks) -> dict[str, Measure]:
    """Returns all measures of a retrieval contender but the coverage."""
    user, rank = ranks.user, ranks.rank
    return {
        **{f"b@{k}": share_within(user, rank, k) for k in (10, 100)},
        **{f"R@{k}": recall(user, rank, k) for k in (10, 20)},
        **{f"NDCG@{k}": ndcg(user, rank, k) for k in (10, 20, 100)},
        "MRR": mrr(user, rank),
    }


def new_users(ranks: Ranks) -> dict[str, Measure]:
    """Returns the measures on events of users without training events."""
    return {
        "user NDCG@10": ndcg(ranks.user, ranks.rank, 10),
        "user b@100": share_within(ranks.user, ranks.rank, 100),
    }


def new_items(ranks: Ranks) -> dict[str, float]:
    """Returns the measures on events of items without training events.

    `1/rank` is a mean over events; `percentile` is the mean of (rank - 1) / (candidates - 1), where 0 is the best.
    `x random` is the value divided by the expected value of a random order: with n candidates, min(1, 100 / n) for
    b@100, (1 + 1/2 + ... + 1/n) / n for 1/rank, and 1/2 for the percentile.
    """
    rank, size = ranks.rank, ranks.num_unseen
    harmonic = np.cumsum(1 / np.arange(1, size.max() + 1))
    within, reciprocal = float(np.mean(rank <= 100)), float(np.mean(1 / rank))
    percentile = float(np.mean((rank - 1) / np.maximum(size - 1, 1)))
    return {
        "item b@100": within,
        "b@100 x random": within / float(np.mean(np.minimum(1, 100 / size))),
        "item 1/rank": reciprocal,
        "1/rank x random": reciprocal / float(np.mean(harmonic[size - 1] / size)),
        "item percentile": percentile,
        "percentile x random": percentile / 0.5,
    }


def rating(
    user: np.ndarray, predicted: np.ndarray, given: np.ndarray, scale: tuple[float, float]
) -> dict[str, Measure]:
    """Returns RMSE and MAE of [n] predictions, clipped to the scale, of [n] users."""
    errors = np.clip(predicted.astype(np.float64), *scale) - given
    return {"RMSE": _over_events(user, errors**2, is_root=True), "MAE": _over_events(user, np.abs(errors))}
