"""Similar items by counts of the users, or of the stretches of their events, that contain both."""

import numpy as np
from scipy import sparse

from benchmarks.next_items import in_order
from benchmarks.peers.baselines import interactions
from benchmarks.protocols import Data

SHRINKAGE = 30.0
"""Counts by which Jaccard's denominator is raised, or that a lift starts from at 1. Held out, 30 is better for Jaccard
than 10; for a lift, 5 to 100 give the same."""
POPULARITY = 0.7
"""Power of an item's share of events by which a lift is multiplied; the best of 0.3, 0.5 and 0.7 held out. With 1, a
lift is the counts again."""
WINDOW = 20
"""Events before and after. Of 2, 5, 10, 20 and 50 held out, the best by recall@50; by recall@10 of counts, 10 is."""


def popularity(data: Data) -> np.ndarray:
    """The same list for every item."""
    return np.tile(_popularity(data), (data.catalogue.num_items, 1))


def counts(data: Data) -> np.ndarray:
    """[num_items, num_items] float64, users who have both; of equally many, the more popular item comes first."""
    return _together(data) + _least(data)


def cosine(data: Data) -> np.ndarray:
    """Counts over the roots of both items' numbers of users."""
    root = np.sqrt(np.maximum(_popularity(data), 1))
    return _together(data) / root / root[:, np.newaxis] + _least(data)


def jaccard(data: Data) -> np.ndarray:
    """Users who have both, over those who have either and a constant."""
    both, number = _together(data), _popularity(data)
    return both / (number + number[:, np.newaxis] - both + SHRINKAGE) + _least(data)


def lift(data: Data) -> np.ndarray:
    """How much more often than by chance, shrunk to 1 for small counts, times a power of popularity."""
    return _lift(_together(data), data)


def windowed_counts(data: Data) -> np.ndarray:
    """Pairs of events of a user that are at most `WINDOW` apart."""
    return _within(data) + _least(data)


def windowed_lift(data: Data) -> np.ndarray:
    """As `lift`, of these pairs."""
    return _lift(_within(data), data)


def _lift(together: np.ndarray, data: Data) -> np.ndarray:
    share = (_popularity(data) + 0.5) / (_popularity(data) + 0.5).sum()
    conditional = (together + SHRINKAGE * share) / (together.sum(axis=1, keepdims=True) + SHRINKAGE)
    return conditional / share ** (1 - POPULARITY)


def _together(data: Data) -> np.ndarray:
    seen = interactions(data).astype(np.float64)
    both = (seen.T @ seen).toarray()
    np.fill_diagonal(both, 0)
    return both


def _within(data: Data) -> np.ndarray:
    events, size = in_order(data.train), data.catalogue.num_items
    pairs = np.zeros((size, size))
    for distance in range(1, WINDOW + 1):
        same = events.user[distance:] == events.user[:-distance]
        cells = events.item[distance:][same], events.item[:-distance][same]
        pairs += sparse.coo_matrix((np.ones(same.sum()), cells), (size, size)).toarray()
    return pairs + pairs.T


def _popularity(data: Data) -> np.ndarray:
    return np.bincount(data.train.item, minlength=data.catalogue.num_items).astype(np.float64)


def _least(data: Data) -> np.ndarray:
    return 1e-6 * _popularity(data) / _popularity(data).max()
