"""Baselines of a few lines of numpy and scipy."""

import numpy as np
from scipy import sparse

from benchmarks.contender import Rating, Refusal, Retrieval
from benchmarks.protocols import Data
from recommender.evaluation import neighbours
from recommender.evaluation.baselines import recency_popularity as by_recency
from recommender.interactions.interactions import Interactions
from recommender.models.biases import fit_biases

LARGEST_CATALOGUE = 20_000
"""Maximum number of items for a dense matrix of items by items, which has to fit in a small machine's memory."""
IALS_EPOCHS = 16
"""The number of epochs in the paper."""
IALS_DIMENSION = 32
IALS_UNOBSERVED = 0.3
IALS_REGULARISATION = 0.015
"""The best of a grid over these three by NDCG@10 on `hold_out` of MovieLens 100K with the random protocol; used for all
data."""


def popularity(data: Data, seed: int) -> Retrieval:
    """Ranks items by their number of training events."""
    counts = np.bincount(data.train.item, minlength=data.catalogue.num_items).astype(np.float32)
    return Retrieval(lambda users: np.tile(counts, (len(users), 1)), new_users=True)


def biases(data: Data, seed: int) -> Rating:
    """Predicts ratings from damped user and item means."""
    train, catalogue = data.train, data.catalogue
    fitted = fit_biases(train.user, train.item, train.rating, catalogue.num_users, catalogue.num_items)
    return Rating(lambda users, items, timestamps: fitted.predict(users, items))


def recency_popularity(data: Data, seed: int) -> Retrieval:
    """Ranks items by their recent training events, with a decay chosen on the latest of them."""
    order = by_recency(sorted_events(data), seed).order
    scores = -np.argsort(order).astype(np.float32)
    return Retrieval(lambda users: np.tile(scores, (len(users), 1)), new_users=True)


def item_knn(data: Data, seed: int) -> Retrieval:
    """Fits nearest neighbours; see `recommender.evaluation.neighbours`."""
    return Retrieval(neighbours.item_knn(sorted_events(data), data.protocol, seed).scores)


def ease(data: Data, seed: int) -> Retrieval:
    """Fits EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019), up to 20,000 items."""
    return Retrieval(_fit_ease(data, seed).scores)


def ease_weights(data: Data) -> np.ndarray:
    """Fits EASE: [num_items, num_items] float32, a row for each item of the user; 0 on the diagonal."""
    return _fit_ease(data, 0).weights


def _fit_ease(data: Data, seed: int) -> neighbours.Neighbours:
    _refuse_large(data)
    return neighbours.ease(sorted_events(data), data.protocol, seed)


def ials(data: Data, seed: int) -> Retrieval:
    """Fits the alternating least squares of Rendle et al., "Revisiting the Performance of iALS" (2021).

    The loss is the sum of three parts: the squared differences of the scores of training events from 1; the squared
    scores of all pairs times `IALS_UNOBSERVED`; and the squared length of each vector times
    `IALS_REGULARISATION` * (number of its events + `IALS_UNOBSERVED` * number of vectors on the other side).
    """
    seen, random = interactions(data), np.random.RandomState(seed)
    items = random.normal(0, 0.1 / np.sqrt(IALS_DIMENSION), (seen.shape[1], IALS_DIMENSION)).astype(np.float32)
    by_item = seen.T.tocsr()
    for _ in range(IALS_EPOCHS):
        users = _solve(seen, items)
        items = _solve(by_item, users)
    last = least(data)
    return Retrieval(lambda rows: users[rows] @ items.T + last)


def _solve(seen: sparse.csr_matrix, fixed: np.ndarray) -> np.ndarray:
    common, identity = IALS_UNOBSERVED * fixed.T @ fixed, np.eye(fixed.shape[1], dtype=np.float32)
    solved = np.zeros((seen.shape[0], fixed.shape[1]), np.float32)
    for row in range(seen.shape[0]):
        own = fixed[seen.indices[seen.indptr[row] : seen.indptr[row + 1]]]
        weight = IALS_REGULARISATION * (len(own) + IALS_UNOBSERVED * len(fixed))
        solved[row] = np.linalg.solve(common + own.T @ own + weight * identity, own.sum(axis=0))
    return solved


def sorted_events(data: Data) -> Interactions:
    """Returns the training events in the order that Atalaya's models and baselines require."""
    return data.train.sorted(data.catalogue.num_users, data.catalogue.num_items)


def interactions(data: Data) -> sparse.csr_matrix:
    """Returns a [num_users, num_items] float32 matrix with 1 at training events."""
    return neighbours.matrix(sorted_events(data))[:-1]


def least(data: Data) -> np.ndarray:
    """Returns popularity, [num_items] float32, scaled down so far that it only breaks ties.

    Without it, unknown items with equal scores would be tied instead of ranked by popularity.
    """
    return neighbours.least(sorted_events(data))


def _refuse_large(data: Data) -> None:
    if data.catalogue.num_items > LARGEST_CATALOGUE:
        raise Refusal(
            f"expected at most {LARGEST_CATALOGUE} items for a matrix of items by items, got {data.catalogue.num_items}"
        )
