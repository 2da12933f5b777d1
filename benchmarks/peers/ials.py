"""The alternating least squares of Rendle et al., "Revisiting the Performance of iALS" (2021), in numpy."""

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.contender import Retrieval
from benchmarks.peers.baselines import interactions, least
from benchmarks.protocols import Data

EPOCHS = 16
"""The number of epochs in the paper."""
_NUMBERS_AT_ONCE = 4_000_000


def fit(data: Data, seed: int, unobserved: float, regularization: float, dimension: int) -> Retrieval:
    """Minimizes the sum of three parts.

    They are the squared differences of the scores of training events from 1; the squared scores of all pairs times a
    weight `a`; and the squared length of each vector times `regularization` * (number of its events + `a` * number of
    vectors on the other side).

    Args:
      data: events.
      seed: seed of the first item vectors.
      unobserved: `a`, in multiples of the share of all pairs that have events.
      regularization: see above.
      dimension: width of the vectors.
    """
    seen, random = interactions(data), np.random.RandomState(seed)
    weight = unobserved * seen.nnz / np.prod(seen.shape, dtype=np.float64)
    items = random.normal(0, 0.1 / np.sqrt(dimension), (seen.shape[1], dimension)).astype(np.float32)
    by_item = seen.T.tocsr()
    with threadpool_limits(1):  # the systems are too small for several threads
        for _ in range(EPOCHS):
            users = solve(seen, items, weight, regularization)
            items = solve(by_item, users, weight, regularization)
        users = solve(seen, items, weight, regularization)
    last = least(data)
    return Retrieval(lambda rows: users[rows] @ items.T + last)


def solve(seen: sparse.csr_matrix, fixed: np.ndarray, unobserved: float, regularization: float) -> np.ndarray:
    """Returns the best vector of each row, [num_rows, width] float32, for vectors of the columns.

    In the eigenbasis of the vectors' Gram matrix, the part of all pairs is diagonal. Rows with similar numbers of
    events are solved together.
    """
    values, basis = np.linalg.eigh(fixed.T.astype(np.float64) @ fixed)
    rotated = np.append(fixed @ basis.astype(np.float32), np.zeros((1, len(values)), np.float32), axis=0)
    counts = np.diff(seen.indptr)
    order = np.argsort(counts, kind="stable")
    solved = np.zeros((seen.shape[0], len(values)), np.float32)
    begin = int(np.count_nonzero(counts == 0))
    while begin < len(order):
        longest = max(8, int(1.15 * counts[order[begin]]))
        rows = order[begin : begin + 1 + _NUMBERS_AT_ONCE // (longest * len(values))]
        rows = rows[counts[rows] <= longest]
        begin += len(rows)
        place = np.arange(counts[rows[-1]])
        cells = np.minimum(seen.indptr[rows, np.newaxis] + place, seen.nnz - 1)
        own = rotated[np.where(place < counts[rows, np.newaxis], seen.indices[cells], len(fixed))]
        penalty = regularization * (counts[rows, np.newaxis] + unobserved * len(fixed))
        solved[rows] = _solve_rows(own, (unobserved * np.maximum(values, 0) + penalty).astype(np.float32))
    return solved @ basis.T.astype(np.float32)


def _solve_rows(own: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Solves (V'V + diag(diagonal)) x = V'1 for rows of V, [n, events, width] with zeros at the end.

    With fewer events than the width, by the equal x = D V'(1 + V D V')^-1 1 with D = 1 / diagonal.
    """
    events, width = own.shape[1:]
    if events < width:
        scaled = own / diagonal[:, np.newaxis, :]
        system = scaled @ own.transpose(0, 2, 1)
        system[:, np.arange(events), np.arange(events)] += 1
        return (np.linalg.solve(system, np.ones((len(own), events, 1), np.float32)).transpose(0, 2, 1) @ scaled)[:, 0]
    system = own.transpose(0, 2, 1) @ own
    system[:, np.arange(width), np.arange(width)] += diagonal
    return np.linalg.solve(system, own.sum(axis=1)[:, :, np.newaxis])[:, :, 0]
