"""Baselines of a few lines of numpy and scipy."""

import numpy as np
from scipy import sparse

from benchmarks.contender import Rating, Refusal, Retrieval
from benchmarks.protocols import Data
from recommender.evaluation import neighbours as item_to_item
from recommender.evaluation.baselines import recent_events
from recommender.interactions.interactions import Interactions
from recommender.models.biases import fit_biases

LARGEST_CATALOGUE = 20_000
"""Maximum number of items for a dense matrix of items by items, which has to fit in a small machine's memory."""
_DAY = 86_400.0


def popularity(data: Data, seed: int) -> Retrieval:
    """Ranks items by their number of training events."""
    counts = np.bincount(data.train.item, minlength=data.catalogue.num_items).astype(np.float32)
    return Retrieval(lambda users: np.tile(counts, (len(users), 1)), new_users=True)


def biases(data: Data, seed: int) -> Rating:
    """Predicts ratings from damped user and item means."""
    train, catalogue = data.train, data.catalogue
    fitted = fit_biases(train.user, train.item, train.rating, catalogue.num_users, catalogue.num_items)
    return Rating(lambda users, items, timestamps: fitted.predict(users, items))


def recency_popularity(data: Data, seed: int, share: float) -> Retrieval:
    """Ranks items by the sum of exp(-age / days) over their training events.

    Args:
      data: events.
      seed: not used.
      share: `days`, as a share of the time that the training events span.

    Raises:
      Refusal: there are no times.
    """
    if not data.train.has_times:
        raise Refusal("expected times, got events without")
    events = sorted_events(data)
    recent = recent_events(events, share * float(np.ptp(events.timestamp)) / _DAY)
    return Retrieval(lambda users: np.tile(recent, (len(users), 1)), new_users=True)


def item_knn(data: Data, seed: int, shrinkage: float, neighbours: int) -> Retrieval:
    """Fits nearest neighbours by a shrunk cosine; see `recommender.evaluation.neighbours`."""
    fitted = item_to_item.fit_item_knn(sorted_events(data), shrinkage)
    return Retrieval(fitted._replace(weights=_largest(fitted.weights, neighbours)).scores)


def _largest(weights: sparse.csr_matrix, count: int) -> sparse.csr_matrix:
    """Keeps the `count` largest values of each column."""
    cells = weights.tocoo()
    order = np.lexsort((-cells.data, cells.col))
    column = cells.col[order]
    kept = order[np.arange(len(order)) - np.searchsorted(column, column) < count]
    return sparse.csr_matrix((cells.data[kept], (cells.row[kept], cells.col[kept])), weights.shape)


def ease(data: Data, seed: int, regularization: float) -> Retrieval:
    """Fits EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019), up to 20,000 items."""
    refuse_large(data)
    return Retrieval(item_to_item.fit_ease(sorted_events(data), regularization).scores)


def ease_weights(data: Data) -> np.ndarray:
    """Fits EASE: [num_items, num_items] float32, a row for each item of the user; 0 on the diagonal."""
    refuse_large(data)
    return item_to_item.ease(sorted_events(data), data.protocol, 0).weights


def sorted_events(data: Data) -> Interactions:
    """Returns the training events in the order that Atalaya's models and baselines require."""
    return data.train.sorted(data.catalogue.num_users, data.catalogue.num_items)


def interactions(data: Data) -> sparse.csr_matrix:
    """Returns a [num_users, num_items] float32 matrix with 1 at training events."""
    return item_to_item.matrix(sorted_events(data))[:-1]


def least(data: Data) -> np.ndarray:
    """Returns popularity, [num_items] float32, scaled down so far that it only breaks ties.

    Without it, unknown items with equal scores would be tied instead of ranked by popularity.
    """
    return item_to_item.least(sorted_events(data))


def refuse_large(data: Data) -> None:
    """Refuses data with too many items for a matrix of items by items."""
    if data.catalogue.num_items > LARGEST_CATALOGUE:
        raise Refusal(
            f"expected at most {LARGEST_CATALOGUE} items for a matrix of items by items, got {data.catalogue.num_items}"
        )
