"""Alternating least squares for implicit feedback, started from given vectors."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import scipy.sparse
from threadpoolctl import threadpool_limits

_UNOBSERVED = 6.0
"""Weight of all pairs of user and item, relative to the share of them that have events."""
_REGULARIZATION = 0.0125
_START = 0.9
"""Root mean square length of the item vectors at the start."""
_NUMBERS_AT_ONCE = 1_000_000


class AlsVectors(NamedTuple):
    """The vectors of items.

    items: [num_items, width] float32. history: [num_items, width] float32; their sum over a user's items approximates
    the user's vector, up to a factor.
    """

    items: np.ndarray
    history: np.ndarray


def fit_als(matrix: scipy.sparse.csr_matrix, vectors: np.ndarray, epochs: int) -> AlsVectors:
    """Minimizes sum w (1 - <x, v>)^2 over the events + a * sum <x, v>^2 over all pairs + sum l |x|^2 + sum l |v|^2.

    This is iALS (Hu et al., "Collaborative Filtering for Implicit Feedback Datasets", 2008) with the frequency-scaled
    l of Rendle et al. ("Revisiting the Performance of iALS on Item Recommendation Benchmarks", 2022): a constant times
    the number of events + a times that of the other side. `a` is six times the share of pairs that have events.

    Args:
      matrix: [num_users, num_items], weights of events, 1 on average.
      vectors: [num_items, width], of which the fit starts, such as singular vectors.
      epochs: number of times that users and items are solved.
    """
    start = np.sqrt(np.mean(np.sum(np.square(vectors), axis=1)))
    items = (vectors * (_START / max(start, 1e-12))).astype(np.float32)
    unobserved = _UNOBSERVED * matrix.nnz / np.prod(matrix.shape, dtype=np.float64)
    by_item = matrix.T.tocsr()
    with threadpool_limits(1):  # each system is too small for several threads
        for _ in range(epochs):
            users = _solve(items, matrix, unobserved)
            items = _solve(users, by_item, unobserved)
    penalty = _REGULARIZATION * (matrix.nnz / matrix.shape[0] + unobserved * matrix.shape[1])
    gram = unobserved * (items.T @ items).astype(np.float64) + penalty * np.eye(items.shape[1])
    return AlsVectors(items, np.linalg.solve(gram, items.T).T.astype(np.float32))


def _solve(others: np.ndarray, matrix: scipy.sparse.csr_matrix, unobserved: float) -> np.ndarray:
    """Returns the exact vector of each row of the matrix, [num_rows, width] float32, given those of the columns.

    In the eigenvectors of `others' others`, the part of all pairs is diagonal, so that a row of n < width events costs
    a system of n equations (Woodbury's identity). Rows with similar numbers of events are solved together.
    """
    eigenvalues, basis = np.linalg.eigh((others.T @ others).astype(np.float64))
    rotated = np.concatenate([others @ basis.astype(np.float32), np.zeros((1, others.shape[1]), np.float32)])
    shared = unobserved * np.maximum(eigenvalues, 0)
    counts = np.diff(matrix.indptr)
    solved = np.zeros((matrix.shape[0], others.shape[1]), np.float32)

    def solve(rows: np.ndarray) -> None:
        place = np.arange(counts[rows[-1]])
        cells = np.minimum(matrix.indptr[rows, np.newaxis] + place, matrix.nnz - 1)
        is_cell = place < counts[rows, np.newaxis]
        root = np.sqrt(np.where(is_cell, matrix.data[cells], 0)).astype(np.float32)
        known = rotated[np.where(is_cell, matrix.indices[cells], len(others))] * root[:, :, np.newaxis]
        penalty = _REGULARIZATION * (counts[rows, np.newaxis] + unobserved * len(others))
        solved[rows] = _solve_rows(known, root, (shared + penalty).astype(np.float32))

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        list(threads.map(solve, _batches(counts, others.shape[1])))
    return solved @ basis.T.astype(np.float32)


def _batches(counts: np.ndarray, width: int) -> Iterator[np.ndarray]:
    """Yields rows with similar numbers of events, ascending; counts: [num_rows], the numbers of events."""
    order = np.argsort(counts, kind="stable")
    order = order[counts[order] > 0]
    while len(order):
        longest = max(8, int(1.15 * counts[order[0]]))
        rows = order[: 1 + _NUMBERS_AT_ONCE // (longest * width)]
        rows = rows[counts[rows] <= longest]
        order = order[len(rows) :]
        yield rows


def _solve_rows(known: np.ndarray, root: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Solves (K'K + diag(diagonal)) x = K' root for each of [m] rows.

    Args:
      known: K, [m, n, width].
      root: [m, n].
      diagonal: [m, width], above 0.

    Returns:
      [m, width] float32.
    """
    events, width = known.shape[1:]
    if events < width:
        scaled = known / diagonal[:, np.newaxis, :]
        system = scaled @ known.transpose(0, 2, 1)
        system[:, np.arange(events), np.arange(events)] += 1
        return (np.linalg.solve(system, root[:, :, np.newaxis]).transpose(0, 2, 1) @ scaled)[:, 0]
    system = known.transpose(0, 2, 1) @ known
    system[:, np.arange(width), np.arange(width)] += diagonal
    right = known.transpose(0, 2, 1) @ root[:, :, np.newaxis]
    return np.linalg.solve(system, right)[:, :, 0]
