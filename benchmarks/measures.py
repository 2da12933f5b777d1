"""Quality measures of scores and ratings, computed by the same code for every contender.

An item's rank in a user's list is that of `recommender.evaluation.ranks`: half of the items with an equal score count
as higher, and an item whose score is NaN counts as higher than all others, but ranks last itself.
a@K and b@K are means over events; R@K, NDCG@K and MRR are means over the users who have an event.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.events import Events
from recommender.evaluation.ranks import ranks as ranks_of

_USERS_AT_ONCE = 128

Scores = Callable[[np.ndarray], np.ndarray]
"""Returns the scores of all items, [n, num_items] float32, for users, [n] indices."""


class Ranks(NamedTuple):
    """Ranks of the test events' items in their users' lists.

    user: [n] indices. among_all: [n] ranks among all items. among_unseen: [n] ranks among the items without a training
    event of the user. num_unseen: [n] numbers of these items. coverage: share of all items that are among the first 10
    of any user with test events, without the items of the user's training events.
    """

    user: np.ndarray
    among_all: np.ndarray
    among_unseen: np.ndarray
    num_unseen: np.ndarray
    coverage: float


def rank(scores: Scores, train: Events, test: Events, num_items: int) -> Ranks:
    """Ranks the items of the test events, a block of users at a time.

    Raises:
      ValueError: the scores of a block do not have the shape [users, num_items].
    """
    train_rows, test_rows = _rows_by_user(train.user), _rows_by_user(test.user)
    ranks = np.zeros((3, len(test.user)))
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
            seen = np.unique(train.item[train_rows.get(user, [])])
            lists, nothing = np.broadcast_to(row, (len(rows), num_items)), np.zeros((len(rows), num_items), bool)
            is_seen = nothing.copy()
            is_seen[:, seen] = True
            ranks[0, rows] = ranks_of(lists, test.item[rows], nothing)
            ranks[1, rows] = ranks_of(lists, test.item[rows], is_seen)
            ranks[2, rows] = num_items - len(seen)
            shown[_first(np.delete(row, seen), 10, np.delete(np.arange(num_items), seen))] = True
    return Ranks(test.user, ranks[0], ranks[1], ranks[2].astype(np.int64), float(shown.mean()))


def _rows_by_user(user: np.ndarray) -> dict[int, np.ndarray]:
    order = np.argsort(user, kind="stable")
    users, begins = np.unique(user[order], return_index=True)
    return dict(zip(users.tolist(), np.split(order, begins[1:]), strict=True))


def _first(scores: np.ndarray, count: int, items: np.ndarray) -> np.ndarray:
    """Returns the `count` items with the highest scores; NaN comes last."""
    descending = -np.nan_to_num(scores, nan=-np.inf)
    return items[np.argpartition(descending, count - 1)[:count]] if len(items) > count else items


def share_within(ranks: np.ndarray, k: int) -> float:
    """Returns the share of [n] ranks that are at most `k`: a@K or b@K."""
    return float(np.mean(ranks <= k))


def recall(user: np.ndarray, ranks: np.ndarray, k: int) -> float:
    """Returns the mean over users of (events within the first `k`) / (events)."""
    return _mean_of_users(user, ranks <= k, lambda counts: counts)


def ndcg(user: np.ndarray, ranks: np.ndarray, k: int) -> float:
    """Returns the mean over users of DCG / ideal DCG with binary gains (Jarvelin and Kekalainen, 2002).

    DCG is the sum of 1 / log2(1 + rank) over the user's events with rank <= k; in the ideal DCG their ranks are 1, 2,
    ...
    """
    ideal = np.concatenate([[0], np.cumsum(1 / np.log2(1 + np.arange(1, k + 1)))])
    return _mean_of_users(user, np.where(ranks <= k, 1 / np.log2(1 + ranks), 0), lambda n: ideal[np.minimum(n, k)])


def _mean_of_users(user: np.ndarray, gains: np.ndarray, best: Callable[[np.ndarray], np.ndarray]) -> float:
    _, rows, counts = np.unique(user, return_inverse=True, return_counts=True)
    return float(np.mean(np.bincount(rows, gains) / best(counts)))


def mrr(user: np.ndarray, ranks: np.ndarray) -> float:
    """Returns the mean over users of 1 / (best rank of the user's events)."""
    users, rows = np.unique(user, return_inverse=True)
    best = np.full(len(users), np.inf)
    np.minimum.at(best, rows, ranks)
    return float(np.mean(1 / best))


def retrieval(ranks: Ranks) -> dict[str, float]:
    """Returns all measures of a retrieval contender."""
    user, unseen = ranks.user, ranks.among_unseen
    return {
        "a@10": share_within(ranks.among_all, 10),
        "a@100": share_within(ranks.among_all, 100),
        "b@10": share_within(unseen, 10),
        "b@100": share_within(unseen, 100),
        "R@10": recall(user, unseen, 10),
        "NDCG@10": ndcg(user, unseen, 10),
        "NDCG@100": ndcg(user, unseen, 100),
        "MRR": mrr(user, unseen),
        "cov@10": ranks.coverage,
    }


def new_users(ranks: Ranks) -> dict[str, float]:
    """Returns the measures on events of users without training events."""
    unseen = ranks.among_unseen
    return {"user NDCG@10": ndcg(ranks.user, unseen, 10), "user b@100": share_within(unseen, 100)}


def new_items(ranks: Ranks) -> dict[str, float]:
    """Returns the measures on events of items without training events.

    `1/rank` is a mean over events; `percentile` is the mean of (rank - 1) / (candidates - 1), where 0 is the best.
    `x random` is the value divided by the expected value of a random order: with n candidates, min(1, 100 / n) for
    b@100, (1 + 1/2 + ... + 1/n) / n for 1/rank, and 1/2 for the percentile.
    """
    unseen, size = ranks.among_unseen, ranks.num_unseen
    harmonic = np.cumsum(1 / np.arange(1, size.max() + 1))
    within, reciprocal = share_within(unseen, 100), float(np.mean(1 / unseen))
    percentile = float(np.mean((unseen - 1) / np.maximum(size - 1, 1)))
    return {
        "item b@100": within,
        "b@100 x random": within / float(np.mean(np.minimum(1, 100 / size))),
        "item 1/rank": reciprocal,
        "1/rank x random": reciprocal / float(np.mean(harmonic[size - 1] / size)),
        "item percentile": percentile,
        "percentile x random": percentile / 0.5,
    }


def rating(predicted: np.ndarray, given: np.ndarray, scale: tuple[float, float]) -> dict[str, float]:
    """Returns RMSE and MAE of [n] predictions, clipped to the scale."""
    errors = np.clip(predicted.astype(np.float64), *scale) - given
    return {"RMSE": float(np.sqrt(np.mean(errors**2))), "MAE": float(np.mean(np.abs(errors)))}
