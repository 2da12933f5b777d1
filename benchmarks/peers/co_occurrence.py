"""Similar items by co-occurrence: the number of users, or of windows of their events, that contain both items."""

import numpy as np
from scipy import sparse

from benchmarks.next_items import in_order
from benchmarks.peers.baselines import interactions
from benchmarks.protocols import Data

SHRINKAGE = 30.0
"""Constant added to Jaccard's denominator; for a lift, number of prior observations with a lift of 1. On held-out
events, 30 is better than 10 for Jaccard; for a lift, 5 to 100 give the same result."""
POPULARITY = 0.7
"""A lift is multiplied by this power of the item's share of events: the best of 0.3, 0.5 and 0.7 on held-out events.
With 1, the lift ranks like the counts."""
WINDOW = 20
"""Number of events before and after: the best of 2, 5, 10, 20 and 50 by recall@50 on held-out events (10 is best by
recall@10 of counts)."""


def popularity(data: Data) -> np.ndarray:
    """Scores items by popularity, with the same list for every item."""
    return np.tile(_popularity(data), (data.catalogue.num_items, 1))


def counts(data: Data) -> np.ndarray:
    """Counts users who have both items, [num_items, num_items] float64; popularity breaks ties."""
    return _together(data) + _tie_breaker(data)


def cosine(data: Data) -> np.ndarray:
    """Divides the counts by the square roots of both items' numbers of users."""
    root = np.sqrt(np.maximum(_popularity(data), 1))
    return _together(data) / root / root[:, np.newaxis] + _tie_breaker(data)


def jaccard(data: Data) -> np.ndarray:
    """Divides the number of users who have both items by that of users who have either, plus a constant."""
    both, number = _together(data), _popularity(data)
    return both / (number + number[:, np.newaxis] - both + SHRINKAGE) + _tie_breaker(data)


def lift(data: Data) -> np.ndarray:
    """Computes how much more often than by chance users have both items, times a power of popularity.

    The lift is shrunk towards 1 for small counts.
    """
    return _lift(_together(data), data)


def windowed_counts(data: Data) -> np.ndarray:
    """Counts pairs of a user's events that are at most `WINDOW` events apart."""
    return _within(data) + _tie_breaker(data)


def windowed_lift(data: Data) -> np.ndarray:
    """Computes `lift` from the pairs of `windowed_counts`."""
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


def _tie_breaker(data: Data) -> np.ndarray:
    return 1e-6 * _popularity(data) / _popularity(data).max()
