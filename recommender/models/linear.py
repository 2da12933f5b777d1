"""A linear model of the user-item matrix, in closed form."""

from typing import NamedTuple

import numpy as np
import scipy.sparse

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.models.low_rank import decompose, scale

_USER_SCALING, _ITEM_SCALING, _DAMPING = 0.3, 0.4, 3.0
"""Rows and columns are divided by these powers of their numbers of events plus 3, so that neither active users nor
popular items dominate."""


class LinearFactors(NamedTuple):
    """score = <sum of history[j] over the user's items j, items[i]> / sqrt(number of the user's items).

    history: [num_items + 1, rank]; the last row, for unknown items, is 0. items: [num_items, rank]; both float32.
    """

    history: np.ndarray
    items: np.ndarray


class Spectrum(NamedTuple):
    """The decomposition of a user-item matrix, from which the factors of any lower rank follow.

    vectors: [num_items, rank] right singular vectors, those with the largest values first. scaling: [num_items], by
    which the columns are multiplied.
    """

    vectors: np.ndarray
    scaling: np.ndarray

    def factors(self, rank: int, popularity: float) -> LinearFactors:
        """Computes the factors of the first `rank` vectors.

        Args:
          rank: width of the factors; columns beyond the rank of the data are 0.
          popularity: how far the scaling is undone in the scores: 1 entirely, less favors items with few events.
        """
        num_items, found = len(self.vectors), min(rank, self.vectors.shape[1])
        history, items = np.zeros((num_items + 1, rank), np.float32), np.zeros((num_items, rank), np.float32)
        history[:-1, :found] = self.vectors[:, :found] * self.scaling[:, np.newaxis]
        items[:, :found] = self.vectors[:, :found] * self.scaling[:, np.newaxis] ** -popularity
        return LinearFactors(history, items)


def user_item_matrix(events: Interactions) -> scipy.sparse.csr_matrix:
    """Returns the weights of pairs of user and item over the mean one, [num_users, num_items] float32."""
    known = events.known
    shape = events.num_users, events.num_items
    matrix = scipy.sparse.csr_matrix((known.weight, (known.user, known.item)), shape)
    matrix.data /= matrix.data.mean(dtype=np.float64)
    return matrix


def decompose_linear(
    matrix: scipy.sparse.csr_matrix,
    catalogue: Catalogue,
    rank: int,
    content_weight: float,
    near: np.ndarray | None = None,
) -> Spectrum:
    """Decomposes the scaled user-item matrix: an ideal low-pass filter of the graph of users and items.

    The matrix has the entries x / ((n_u + 3)^0.3 (n_i + 3)^0.4), with n the numbers of pairs of a user and of an item,
    and x the square root of the pair's weight. Projecting a user's scaled row onto the first right singular vectors
    keeps what users share and drops what is particular to single events (Shen et al., "How Powerful is Graph
    Convolution for Recommendation?", 2021, with 1/2 for both powers). Genres and release periods are further rows, as
    if a user had chosen all items of that kind (Jeunen et al., "Closed-Form Models for Collaborative Filtering with
    Side-Information", 2020), so that new items have vectors.

    Args:
      matrix: see `user_item_matrix`.
      catalogue: the items.
      rank: number of singular vectors, at least 1; fewer are found if the matrix is smaller.
      content_weight: value of the entries in the rows of genres and release periods.
      near: [num_items, k], singular vectors of a similar matrix, or None.
    """
    counts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    content = content_weight * _content(catalogue).astype(np.float32)
    stacked = scipy.sparse.vstack([np.sqrt(matrix), content], "csr")
    scaling = (counts + _DAMPING) ** -_ITEM_SCALING
    scale(stacked, (np.diff(stacked.indptr) + _DAMPING) ** -_USER_SCALING, scaling)
    _, _, vectors = decompose(stacked, rank, near)
    return Spectrum(vectors, scaling)


def place_by_content(vectors: np.ndarray, is_new: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """Gives new items the vectors that their content predicts, by a ridge regression over the other items.

    Args:
      vectors: [num_items, width] float32.
      is_new: [num_items] bool, items whose vectors are replaced.
      catalogue: the items, whose genres and release periods are the features, next to a constant.

    Returns:
      [num_items, width] float32.
    """
    constant = scipy.sparse.csr_matrix(np.ones((1, len(vectors))))
    features = scipy.sparse.vstack([constant, _content(catalogue)]).T.tocsr()
    known, new = np.flatnonzero(~is_new), np.flatnonzero(is_new)
    gram = (features[known].T @ features[known]).toarray() + np.eye(features.shape[1])
    placed = vectors.copy()
    placed[new] = features[new] @ np.linalg.solve(gram, features[known].T @ vectors[known])
    return placed


def _content(catalogue: Catalogue) -> scipy.sparse.csr_matrix:
    """Returns [num_kinds, num_items], 1 where the item is of the genre or release period."""
    kinds = catalogue.genres, catalogue.release_periods
    return scipy.sparse.vstack([_content_rows(rows, catalogue.num_items) for rows in kinds]).tocsr()


def _content_rows(kinds: Ragged, num_items: int) -> scipy.sparse.csr_matrix:
    """Returns [num_kinds, num_items], 1 where the item is of the kind."""
    num_kinds = int(kinds.values.max(initial=-1)) + 1
    cells = np.unique(np.stack([kinds.values, kinds.rows]), axis=1)
    return scipy.sparse.csr_matrix((np.ones(cells.shape[1]), cells), (num_kinds, num_items))
