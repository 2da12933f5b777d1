"""A linear autoencoder of the user-item matrix, in closed form."""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.ragged import Ragged
from recommender.models.low_rank import decompose

_SCALING = 0.3
"""Columns are divided by the item's number of events to half this power, so that popular items do not dominate."""


class LinearFactors(NamedTuple):
    """score = <sum of history[j] over the user's items j, items[i]> / sqrt(number of the user's items).

    history: [num_items + 1, rank]; the last row, for unknown items, is 0. items: [num_items, rank]; both float32.
    """

    history: np.ndarray
    items: np.ndarray


class Spectrum(NamedTuple):
    """The decomposition of a user-item matrix, from which the factors for any lambda follow.

    values: [k] singular values. vectors: [num_items, k] right singular vectors. scaling: [num_items], of the columns.
    rank: width of the factors, at least k.
    """

    values: np.ndarray
    vectors: np.ndarray
    scaling: np.ndarray
    rank: int

    def factors(self, regularization: float) -> LinearFactors:
        """Computes the factors for lambda = `regularization`, above 0."""
        num_items, found = self.vectors.shape
        history = np.zeros((num_items + 1, self.rank), np.float32)
        candidates = np.zeros((num_items, self.rank), np.float32)
        shrunk = self.values**2 / (self.values**2 + regularization)
        history[:-1, :found] = self.vectors * np.sqrt(shrunk) * self.scaling[:, np.newaxis]
        to_itself = np.sum(self.vectors**2 * shrunk, axis=1)
        candidates[:, :found] = self.vectors * np.sqrt(shrunk) / ((1 - to_itself) * self.scaling)[:, np.newaxis]
        return LinearFactors(history, candidates)


def fit_linear(
    users: np.ndarray,
    items: np.ndarray,
    weights: np.ndarray,
    catalogue: Catalogue,
    rank: int,
    content_weight: float,
) -> Spectrum:
    """Fits the item-item weights B, 0 on the diagonal, that best reproduce the user-item matrix X, for any lambda.

    EASE (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019) has B = I - P diag(1 / diag P) with
    P = (X'X + lambda I)^-1. With the singular vectors V and values s of X and D = diag(s^2 / (s^2 + lambda)), it is
    lambda P = I - V D V'; so with the first `rank` of them, off the diagonal, B = V D V' / (1 - diag(V D V')): two thin
    factors, from one truncated decomposition of a sparse matrix. Shrinking and cutting off are the two forms of
    regularisation compared by Jin et al. ("Towards a Better Understanding of Linear Models for Recommendation",
    2021). Genres and release periods are further rows of X, as if a user had chosen all items of that kind (Jeunen et
    al., "Closed-Form Models for Collaborative Filtering with Side-Information", 2020), so that new items have weights.
    An entry of X is the square root of the pair's weight over the mean one, so that X'X adds up weights.

    Args:
      users: [n] indices of the training events' users; unknown ones are left out.
      items: [n] indices of the training events' items; likewise.
      weights: [n] above 0, of the events; those of a pair of user and item add up.
      catalogue: the items.
      rank: width of the factors, at least 1; columns beyond the rank of the data are 0.
      content_weight: value of the entries in the rows of genres and release periods.
    """
    known = (users < catalogue.num_users) & (items < catalogue.num_items)
    cells = weights[known].astype(np.float64), (users[known], items[known])
    matrix = scipy.sparse.csr_matrix(cells, shape=(catalogue.num_users, catalogue.num_items))
    matrix.data = np.sqrt(matrix.data / matrix.data.mean())
    counts = np.bincount(matrix.indices, minlength=catalogue.num_items)
    scaling = (counts + 1.0) ** (-_SCALING / 2)
    scaling /= np.sqrt(np.mean(scaling**2))
    content = [_content_rows(rows, catalogue.num_items) for rows in (catalogue.genres, catalogue.release_periods)]
    matrix = scipy.sparse.vstack([matrix, *(content_weight * rows for rows in content)]) @ scipy.sparse.diags(scaling)
    _, values, vectors = decompose(matrix.tocsr(), rank)
    return Spectrum(values, vectors, scaling, rank)


def _content_rows(kinds: Ragged, num_items: int) -> scipy.sparse.csr_matrix:
    """Returns [num_kinds, num_items], 1 where the item is of the kind."""
    num_kinds = int(kinds.values.max(initial=-1)) + 1
    cells = np.unique(np.stack([kinds.values, kinds.rows]), axis=1)
    return scipy.sparse.csr_matrix((np.ones(cells.shape[1]), cells), (num_kinds, num_items))
