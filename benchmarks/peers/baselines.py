"""Baselines of a few lines of numpy and scipy."""

import numpy as np
from scipy import sparse

from benchmarks import measures
from benchmarks.contender import Rating, Refusal, Retrieval
from benchmarks.measures import Scores
from benchmarks.protocols import Data, hold_out
from recommender.models.biases import fit_biases

LARGEST_CATALOGUE = 20_000
"""Maximum number of items for a dense matrix of items by items, which has to fit in a small machine's memory."""
EASE_REGULARISATIONS = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
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


def item_knn(data: Data, seed: int) -> Retrieval:
    """Scores an item by the sum of its cosines with the items in the user's training events (all neighbours)."""
    _refuse_large(data)
    seen = interactions(data)
    lengths = np.sqrt(np.asarray(seen.sum(axis=0))[0])
    scaled = seen @ sparse.diags(1 / np.maximum(lengths, 1))
    cosines = (scaled.T @ scaled).toarray().astype(np.float32)
    np.fill_diagonal(cosines, 0)
    last = least(data)
    return Retrieval(lambda users: seen[users] @ cosines + last)


def ease(data: Data, seed: int) -> Retrieval:
    """Fits EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019).

    The regularisation is the one in the grid with the best NDCG@10 on held-out training events.
    """
    _refuse_large(data)
    inner = hold_out(data)

    def value(regularisation: float) -> float:
        scores = _ease_scores(inner, regularisation)
        ranks = measures.rank(scores, inner.train, inner.test, inner.catalogue.num_items)
        return measures.ndcg(ranks.user, ranks.among_unseen, 10)

    return Retrieval(_ease_scores(data, max(EASE_REGULARISATIONS, key=value)))


def _ease_scores(data: Data, regularisation: float) -> Scores:
    seen, last = interactions(data), least(data)
    gram = (seen.T @ seen).toarray()
    np.fill_diagonal(gram, gram.diagonal() + regularisation)
    inverse = np.linalg.inv(gram)
    weights = (inverse / -inverse.diagonal()).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return lambda users: seen[users] @ weights + last


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


def interactions(data: Data) -> sparse.csr_matrix:
    """Returns a [num_users, num_items] float32 matrix with 1 at training events."""
    shape = (data.catalogue.num_users, data.catalogue.num_items)
    ones = np.ones(len(data.train.user), np.float32)
    return sparse.csr_matrix((ones, (data.train.user, data.train.item)), shape)


def least(data: Data) -> np.ndarray:
    """Returns popularity, [num_items] float32, scaled down so far that it only breaks ties.

    Without it, unknown items with equal scores would be tied instead of ranked by popularity.
    """
    counts = np.bincount(data.train.item, minlength=data.catalogue.num_items)
    return (1e-6 * counts / counts.max()).astype(np.float32)


def _refuse_large(data: Data) -> None:
    if data.catalogue.num_items > LARGEST_CATALOGUE:
        raise Refusal(
            f"expected at most {LARGEST_CATALOGUE} items for a matrix of items by items, got {data.catalogue.num_items}"
        )
