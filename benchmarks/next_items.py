"""How well similar items predict the user's next item, measured by the same code for every contender."""

import numpy as np

from benchmarks.events import Events
from benchmarks.protocols import Data
from recommender.evaluation.ranks import ranks
from recommender.interactions.catalogue import Catalogue

LAST = 10


def leave_last(data: Data, seed: int = 0) -> Data:
    """Moves the last ten training events of each user with at least 20 from training to test, replacing the test."""
    train = in_order(data.train, seed)
    counts = np.bincount(train.user)[train.user]
    from_end = np.searchsorted(train.user, train.user, side="right") - np.arange(len(train.user))
    left_out = (from_end <= LAST) & (counts >= 2 * LAST)
    return data._replace(train=train.take(~left_out), test=train.take(left_out))


def in_order(events: Events, seed: int = 0) -> Events:
    """Sorts events by user, then time; events in the same second are in random order."""
    chance = np.random.default_rng(seed).random(len(events.user))
    return events.take(np.lexsort((chance, events.timestamp, events.user)))


def rank_next(scores: np.ndarray, train: Events, test: Events) -> np.ndarray:
    """Ranks each item that a user chose by its similarity to the item chosen just before.

    Args:
      scores: [num_items, num_items], the similarity of the column's item to the row's; higher is more similar.
      train: training events.
      test: test events; for each user, all but the first are ranked, by the row of the event before.

    Returns:
      [n] ranks among the items that the user has in neither a training event nor an earlier test event; half of the
      items with an equal score count as higher.
    """
    test = in_order(test)
    seen = _items_by_user(train)
    found = []
    for user, items in _items_by_user(test).items():
        values = scores[items[:-1]]
        chosen = np.zeros(values.shape, bool)
        chosen[np.arange(len(values)), items[:-1]] = True
        left_out = np.logical_or.accumulate(chosen, axis=0)
        left_out[:, seen.get(user, [])] = True
        found.append(ranks(values, items[1:], left_out))
    return np.concatenate(found)


def _items_by_user(events: Events) -> dict[int, np.ndarray]:
    order = np.argsort(events.user, kind="stable")
    users, begins = np.unique(events.user[order], return_index=True)
    return dict(zip(users.tolist(), np.split(events.item[order], begins[1:]), strict=True))


def measure(scores: np.ndarray, data: Data) -> dict[str, float]:
    """Returns the measures of the next item, and of the 10 most similar items of each item with training events.

    R@K and MRR, the mean of 1 / rank, are means over pairs of consecutive test events. `genres@10` is the Jaccard
    similarity of the genres of an item and of those in its list, a mean over training events; `cov@10` the share of all
    items in the lists, and `events@10` the mean number of training events of the items in them.
    """
    found = rank_next(scores, data.train, data.test)
    popularity = np.bincount(data.train.item, minlength=len(scores))
    rated = np.flatnonzero(popularity)
    shown = first(scores, 10)[rated]
    return {f"R@{k}": float(np.mean(found <= k)) for k in (10, 100)} | {
        "MRR": float(np.mean(1 / found)),
        "genres@10": float(np.average(_shared_genres(data.catalogue, rated, shown), weights=popularity[rated])),
        "cov@10": len(np.unique(shown)) / len(scores),
        "events@10": float(np.mean(popularity[shown])),
    }


def _shared_genres(catalogue: Catalogue, items: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the mean Jaccard similarity of each item, [n], to its others, [n, k]; 0 without genres."""
    has = np.zeros((catalogue.num_items, catalogue.num_genres + 1))
    has[catalogue.genres.rows, catalogue.genres.values] = 1
    both = np.einsum("ng,nkg->nk", has[items], has[others])
    either = has[items].sum(axis=1)[:, np.newaxis] + has[others].sum(axis=2) - both
    return np.mean(both / np.maximum(either, 1), axis=1)


def first(scores: np.ndarray, count: int) -> np.ndarray:
    """Returns the most similar other items of each item, [num_items, count], best first."""
    others = scores.astype(np.float64)
    np.fill_diagonal(others, -np.inf)
    return np.argsort(-others, axis=1, kind="stable")[:, :count]
