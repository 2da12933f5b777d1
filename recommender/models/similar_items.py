"""Similar items: vectors whose cosines say how many users chose both items and rated them similarly."""

import numpy as np
import scipy.sparse

from recommender.interactions.catalogue import Catalogue
from recommender.interactions.interactions import Interactions
from recommender.interactions.ragged import Ragged
from recommender.interactions.sittings import sittings
from recommender.models.biases import Biases, fit_biases
from recommender.models.low_rank import decompose, leading_eigenvectors

_ROWS_AT_ONCE = 2**14
"""Number of rows whose products are computed at once, or that of items if there are more; limits the memory."""


def similar_item_vectors(events: Interactions, catalogue: Catalogue, across_sittings: bool, rank: int) -> np.ndarray:
    """Computes vectors of items from a truncated decomposition of the similarities of all pairs of items.

    A user with n items adds (1 + z_i z_j) / n to the similarity of items i and j: z is how much higher the user rated
    the item than the biases predict, in standard deviations, or 0 without a rating. So each event counts the same,
    however many others the user has, and users who rate two items similarly count more. Each genre, release period and
    title word adds 1 / n like a user who chose its n items; this places items without events. The similarities are
    divided by the square roots of those of both items with themselves, which makes them cosines; cutting off the small
    eigenvalues removes what only few users have in common (Deerwester et al., "Indexing by Latent Semantic Analysis",
    1990).

    Args:
      events: training events; those of unknown users or items are left out.
      catalogue: the items.
      across_sittings: whether only pairs of different sittings of a user count.
      rank: maximum width.

    Returns:
      [num_items, width] float32, the most important columns first; zeros for an item without events and content.
    """
    events = events.known.distinct
    share = 1 / np.sqrt(np.bincount(events.user))[events.user]
    columns = [share, share * standard_residuals(events)]
    kinds = (catalogue.genres, catalogue.release_periods, catalogue.title_words)
    content = [_kinds(rows, catalogue.num_items) for rows in kinds]
    chosen = [*_rows(columns, events.user, events.item, catalogue.num_items), *content]
    within = _rows(columns, sittings(events), events.item, catalogue.num_items) if across_sittings else []
    squares = [np.bincount(one.indices, np.square(one.data), catalogue.num_items) for one in chosen]
    lengths = np.sqrt(np.sum(squares, axis=0))
    for one in (*chosen, *within):
        one.data /= lengths[one.indices]
    values, vectors = leading_eigenvectors(
        lambda vectors: _gram_product(chosen, vectors) - _gram_product(within, vectors), catalogue.num_items, rank
    )
    is_positive = values > 1e-9
    vectors = vectors[:, is_positive] * np.sqrt(values[is_positive])
    vectors[lengths == 0] = 0  # not 1e-17, whose direction would count
    return vectors.astype(np.float32)


def genre_vectors(catalogue: Catalogue, rank: int) -> np.ndarray:
    """Computes vectors whose products are the cosines of the items' genres, of which the rare ones count more.

    A genre of n items counts 1 / sqrt(n). More than `rank` genres are reduced to as many columns.

    Returns:
      [num_items, width] float32; zeros for an item without a genre.
    """
    genres = _kinds(catalogue.genres, catalogue.num_items)
    lengths = np.sqrt(np.asarray(genres.power(2).sum(axis=0))[0])
    cosines = (genres @ scipy.sparse.diags(1 / np.where(lengths > 0, lengths, 1))).T.tocsr()
    if not cosines.shape[1]:
        return np.zeros((catalogue.num_items, 0), np.float32)
    left, values, _ = decompose(cosines, rank)
    return (left * values).astype(np.float32)


def unit_rows(vectors: np.ndarray) -> np.ndarray:
    """Scales the rows of a matrix, [n, width], to length 1; rows of zeros stay as they are."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def standard_residuals(events: Interactions, biases: Biases | None = None) -> np.ndarray:
    """Returns how much higher each rating is than predicted by biases, [n], divided by the root of the mean square.

    Args:
      events: training events; the residual of one without a rating is 0.
      biases: None: fitted to the events.
    """
    rated = ~np.isnan(events.rating)
    if not rated.any():
        return np.zeros(len(events))
    if biases is None:
        known = events.take(rated)
        biases = fit_biases(known.user, known.item, known.rating, events.num_users, events.num_items)
    residuals = np.where(rated, events.rating - biases.predict(events.user, events.item), 0.0)
    scale = np.sqrt(np.mean(residuals[rated] ** 2))
    return residuals / scale if scale > 0 else residuals


def _rows(
    columns: list[np.ndarray], row: np.ndarray, item: np.ndarray, num_items: int
) -> list[scipy.sparse.csr_matrix]:
    """Returns a matrix, [num_rows, num_items], for each of the columns that has values."""
    shape = int(row.max(initial=-1)) + 1, num_items
    return [scipy.sparse.csr_matrix((values, (row, item)), shape) for values in columns if values.any()]


def _gram_product(matrices: list[scipy.sparse.csr_matrix], vectors: np.ndarray) -> np.ndarray:
    """Returns the sum of M' M V, [n, k], over matrices M, [any, n], of V, [n, k]."""
    product, at_once = np.zeros_like(vectors), max(_ROWS_AT_ONCE, len(vectors))
    for matrix in matrices:
        for begin in range(0, matrix.shape[0], at_once):
            block = matrix[begin : begin + at_once]
            product += block.T @ (block @ vectors)
    return product


def _kinds(kinds: Ragged, num_items: int) -> scipy.sparse.csr_matrix:
    """Returns [num_kinds, num_items], 1 / sqrt(number of items of the kind) where the item is of the kind."""
    cells = np.unique(np.stack([kinds.values, kinds.rows]), axis=1)
    counts = np.bincount(cells[0])
    return scipy.sparse.csr_matrix((1 / np.sqrt(counts[cells[0]]), cells), (len(counts), num_items))
