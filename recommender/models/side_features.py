"""Features of users and items other than the ratings' values."""

import numpy as np
import scipy.sparse

from recommender.interactions.catalogue import Catalogue
from recommender.models.low_rank import decompose, scale

_COUNT_WEIGHT = 0.1
_NEGLIGIBLE = 0.01
"""Singular values up to this are noise; rows have length 1."""
_MOST_NUMBERS, _LEAST_COLUMNS = 2**25, 16


def user_features(users: np.ndarray, items: np.ndarray, catalogue: Catalogue, most: int) -> np.ndarray:
    """Describes users by which items they rated, whatever the rating (implicit feedback), and how many.

    Args:
      users: [n] indices of the events' users, all known.
      items: [n] indices of the events' items, all known.
      catalogue: gives the numbers of users and items.
      most: maximum number of columns; with many users or items there are fewer, so that both sides of the
        decomposition are at most 2^25 numbers, but at least 16.

    Returns:
      [num_users, at least 1 and at most `most`] float32: principal components of the rows, which have length about 1; 0
      for a user without events.
    """
    return _principal(_who_rated_what(users, items, (catalogue.num_users, catalogue.num_items)), most)


def item_features(users: np.ndarray, items: np.ndarray, catalogue: Catalogue, most: int) -> np.ndarray:
    """Describes items by which users rated them, and how many, by genres and by release period.

    Arguments and result are as those of `user_features`, with [num_items, ...]; an item without events has features of
    its content alone.
    """
    kinds = [(catalogue.genres, catalogue.num_genres), (catalogue.release_periods, catalogue.num_release_periods)]
    content = [_indicators(rows.rows, rows.values, (catalogue.num_items, size + 1)) for rows, size in kinds]
    rated = _who_rated_what(items, users, (catalogue.num_items, catalogue.num_users))
    return _principal(scipy.sparse.hstack([rated, _unit_rows(scipy.sparse.hstack(content, "csr"))], "csr"), most)


def _who_rated_what(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> scipy.sparse.csr_matrix:
    """Returns rows of length 1, with the weighted logarithm of their number of entries in one more column."""
    matrix = _indicators(rows, columns, shape)
    counts = _COUNT_WEIGHT * np.log1p(matrix.sum(axis=1))
    return scipy.sparse.hstack([_unit_rows(matrix), scipy.sparse.csr_matrix(counts, dtype=np.float32)], "csr")


def _indicators(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> scipy.sparse.csr_matrix:
    matrix = scipy.sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape)
    matrix.data[:] = 1
    return matrix


def _unit_rows(indicators: scipy.sparse.csr_matrix) -> scipy.sparse.csr_matrix:
    """Scales rows of zeros and ones to length 1, in place."""
    scale(indicators, np.maximum(1, np.diff(indicators.indptr)) ** -0.5, np.ones(indicators.shape[1]))
    return indicators


def _principal(matrix: scipy.sparse.spmatrix, most: int) -> np.ndarray:
    """Returns U S of the singular value decomposition U S V': the same inner products in fewer columns."""
    left, values, _ = decompose(matrix, min(most, max(_LEAST_COLUMNS, _MOST_NUMBERS // max(matrix.shape))))
    kept = (values > _NEGLIGIBLE) | (values == values.max())
    return (left[:, kept] * values[kept]).astype(np.float32)
