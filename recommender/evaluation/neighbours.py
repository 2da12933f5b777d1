"""Item-item models: the strongest simple baselines of retrieval.

EASE for catalogues of up to 5,000 items, whose matrix takes 6 processor seconds to invert; nearest neighbours beyond.
"""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import scipy.linalg
from scipy import sparse

from recommender.evaluation.baselines import SHARE, Asked
from recommender.evaluation.lists import best_items
from recommender.interactions.hold_out import hold_out
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged

EASE_ITEMS = 5_000
"""Maximum number of items for EASE."""
NEIGHBOURS = 100
REGULARIZATIONS = (50.0, 100.0, 200.0, 400.0, 800.0, 1600.0)
SHRINKAGES = (0.0, 10.0, 100.0)
MOST_PAIRS = 2 * 10**9
"""Maximum sum of the squares of the users' numbers of items: the cost of counting co-occurrences."""
MOST_CELLS = 5 * 10**9
"""Maximum number of scores, users times items, that are computed for the lists."""
_PAIRS_AT_ONCE = 2**24


class Neighbours(NamedTuple):
    """score(user, item) = sum of weights[j, item] over the user's items j, + a popularity that only breaks ties.

    seen: [num_users + 1, num_items] sparse, 1 for the items of training events; the last row is empty. weights:
    [num_items, num_items], dense or sparse. least: [num_items] float32. constant: the regularization or shrinkage.
    """

    name: str
    seen: sparse.csr_matrix
    weights: np.ndarray | sparse.csr_matrix
    least: np.ndarray
    constant: float

    def scores(self, users: np.ndarray) -> np.ndarray:
        """Returns scores, [n, num_items] float32, of users, [n] indices."""
        product = self.seen[users] @ self.weights
        return (product.toarray() if sparse.issparse(product) else product) + self.least

    def lists(self, users: np.ndarray, seen: Ragged) -> np.ndarray:
        """Returns lists, [n, 100]; see `best_items`."""
        return best_items(self.scores, users, seen, len(self.least))


def neighbours(train: Interactions, method: str, seed: int) -> Neighbours | None:
    """Fits EASE or nearest neighbours; None if neither is affordable."""
    if train.num_items <= EASE_ITEMS:
        return ease(train, method, seed)
    pairs = np.sum(np.diff(train.distinct.row_splits).astype(np.float64) ** 2)
    return item_knn(train, method, seed) if pairs <= MOST_PAIRS else None


def ease(train: Interactions, method: str, seed: int) -> Neighbours:
    """Fits EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019).

    The regularization is the one in a grid with the best NDCG@100 on held-out training events.

    Args:
      train: training events.
      method: how to hold some out: `random` or `time`.
      seed: of the hold-out.
    """
    return _chosen(fit_ease, REGULARIZATIONS, train, method, seed)


def item_knn(train: Interactions, method: str, seed: int) -> Neighbours:
    """Fits nearest neighbours, with the shrinkage that has the best NDCG@100; see `ease`."""
    return _chosen(fit_item_knn, SHRINKAGES, train, method, seed)


def fit_ease(train: Interactions, regularization: float) -> Neighbours:
    """Fits EASE: weights -P[j, i] / P[i, i], with P the inverse of X'X + regularization, and 0 on the diagonal."""
    seen = matrix(train)
    gram = (seen.T @ seen).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += regularization
    factor, _ = scipy.linalg.lapack.dpotrf(gram, lower=1, overwrite_a=1)
    inverse, _ = scipy.linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    weights = (inverse / -inverse.diagonal()).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return Neighbours("EASE", seen, weights, least(train), regularization)


def fit_item_knn(train: Interactions, shrinkage: float) -> Neighbours:
    """Keeps each item's 100 nearest neighbours by both / (sqrt(n_i * n_j) + shrinkage).

    `both` is the number of users who have both items, `n` of those who have one. The formula is that of Ferrari
    Dacrema et al., "Are We Really Making Much Progress?" (2019), for the cosine.
    """
    seen = matrix(train)
    by_item, number = seen.T.tocsr(), np.asarray(seen.sum(axis=0))[0]
    pairs = np.append(0, np.cumsum(by_item @ np.diff(seen.indptr)))
    blocks, begin = [], 0
    while begin < train.num_items:
        end = max(begin + 1, int(np.searchsorted(pairs, pairs[begin] + _PAIRS_AT_ONCE)) - 1)
        both = (by_item[begin:end] @ seen).tocsr()
        rows, columns = np.repeat(np.arange(begin, end), np.diff(both.indptr)), both.indices
        both.data /= np.sqrt(number[rows] * number[columns]) + np.float32(shrinkage)
        both.data[rows == columns] = 0
        blocks.append(_nearest(both))
        begin = end
    return Neighbours("item-kNN", seen, sparse.vstack(blocks).T.tocsr(), least(train), shrinkage)


def _nearest(values: sparse.csr_matrix) -> sparse.csr_matrix:
    """Keeps the 100 largest values of each row."""
    for begin, end in itertools.pairwise(values.indptr):
        if end - begin > NEIGHBOURS:
            row = values.data[begin:end]
            row[np.argpartition(row, -NEIGHBOURS)[:-NEIGHBOURS]] = 0
    values.eliminate_zeros()
    return values


def _chosen(
    fit: Callable[[Interactions, float], Neighbours],
    constants: Sequence[float],
    train: Interactions,
    method: str,
    seed: int,
) -> Neighbours:
    """Fits with the best of the ascending constants; the rest are left out once the measure falls."""
    divided = hold_out(train, SHARE, method, seed)
    asked, fitted = Asked.of(divided.held_out, seed), divided.fitted
    best, chosen = -np.inf, constants[0]
    for constant in constants:
        value = asked.ndcg(fit(fitted, constant).lists(asked.users, fitted.items), 100)
        if value < best:
            break
        best, chosen = value, constant
    return fit(train, chosen)


def matrix(train: Interactions) -> sparse.csr_matrix:
    """Returns a [num_users + 1, num_items] float32 matrix with 1 at training events."""
    ones = np.ones(len(train), np.float32)
    found = sparse.csr_matrix((ones, (train.user, train.item)), (train.num_users + 1, train.num_items))
    found.sum_duplicates()
    found.data[:] = 1
    return found


def least(train: Interactions) -> np.ndarray:
    """Returns popularity, [num_items] float32, scaled down so far that it only breaks ties."""
    return (1e-6 * train.popularity / max(1, train.popularity.max())).astype(np.float32)
