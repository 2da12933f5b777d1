"""Low-rank approximations of sparse matrices and of sums of products."""

from collections.abc import Callable

import numpy as np
import scipy.linalg
import scipy.sparse

_OVERSAMPLING = 10
_ITERATIONS, _ITERATIONS_FROM_NEAR = 3, 1
_ROWS_AT_ONCE = 65_536
_RIDGE = 1e-7
_NO_VARIANCE = 1e-10
"""A squared singular value below this share of the largest is rounding."""


def decompose(
    matrix: scipy.sparse.spmatrix, rank: int, near: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes the truncated singular value decomposition U diag(s) V'.

    This uses subspace iteration from random columns (Halko et al., "Finding Structure with Randomness", 2011), which,
    unlike ARPACK, gives the same result for the same matrix even if singular values are equal.

    Args:
      matrix: [m, n].
      rank: at least 1; the result has fewer columns if the rank of the matrix is below it, but at least one.
      near: [n, k], right singular vectors of a similar matrix, from which fewer iterations are needed.

    Returns:
      U, [m, rank], s, [rank], descending, and V, [n, rank].
    """
    width = min(rank + _OVERSAMPLING, *matrix.shape)
    start = np.random.default_rng(0).normal(size=(matrix.shape[1], width)).astype(matrix.dtype)
    iterations = _ITERATIONS
    if near is not None:
        given = near[:, :width].astype(matrix.dtype)
        start, iterations = np.concatenate([given, start[:, given.shape[1] :]], axis=1), _ITERATIONS_FROM_NEAR
    transposed = matrix.T.tocsr()
    if matrix.shape[0] <= matrix.shape[1]:
        return _decompose(matrix, transposed, matrix @ start, iterations, rank)
    right, values, left = _decompose(transposed, matrix, start, iterations, rank)
    return left, values, right


def _decompose(
    matrix: scipy.sparse.spmatrix,
    transposed: scipy.sparse.spmatrix,
    basis: np.ndarray,
    iterations: int,
    rank: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Decomposes [m, n] from a basis of its columns, [m, width]."""
    for _ in range(iterations):
        basis = matrix @ (transposed @ _separated(basis))
    basis = np.linalg.qr(basis)[0]
    product = transposed @ basis
    squares, rotation = np.linalg.eigh(gram_matrix(product))
    found = max(1, np.count_nonzero(squares > _NO_VARIANCE * squares[-1]))
    chosen = slice(None, -min(rank, found) - 1, -1)
    values = np.sqrt(np.maximum(squares[chosen], 0)).astype(matrix.dtype)
    rotation = rotation[:, chosen].astype(matrix.dtype)
    return basis @ rotation, values, product @ (rotation / np.where(values > 0, values, 1))


def _separated(columns: np.ndarray) -> np.ndarray:
    """Returns columns, [n, k], that span the same space and are nearly orthonormal.

    They are divided by the Cholesky factor of their products, several times as fast as a QR decomposition. A small
    diagonal is added, so that the factor exists for dependent columns.
    """
    products = gram_matrix(columns)
    np.fill_diagonal(
        products, products.diagonal() + _RIDGE * products.trace() / len(products) + np.finfo(np.float32).tiny
    )
    factor = np.linalg.cholesky(products).astype(columns.dtype)
    return scipy.linalg.solve_triangular(factor, columns.T, lower=True).T


def leading_eigenvectors(
    product: Callable[[np.ndarray], np.ndarray], size: int, rank: int
) -> tuple[np.ndarray, np.ndarray]:
    """Computes the eigenvectors of the largest absolute eigenvalues of a symmetric matrix; see `decompose`.

    Args:
      product: multiplies the matrix, [size, size], by [size, k].
      size: number of rows.
      rank: at least 1; the result has fewer columns if `size` is below it.

    Returns:
      Eigenvalues, [rank], descending, and eigenvectors, [size, rank].
    """
    basis = np.random.default_rng(0).normal(size=(size, min(rank + _OVERSAMPLING, size)))
    for _ in range(_ITERATIONS + 1):
        basis = np.linalg.qr(product(basis))[0]
    values, rotation = np.linalg.eigh(basis.T @ product(basis))
    order = np.argsort(-np.abs(values))[:rank]
    order = order[np.argsort(-values[order])]
    return values[order], basis @ rotation[:, order]


def scale(matrix: scipy.sparse.csr_matrix, rows: np.ndarray, columns: np.ndarray) -> None:
    """Multiplies the rows of a matrix, [m, n] float32, by [m] numbers and its columns by [n] numbers, in place."""
    matrix.data *= np.repeat(rows.astype(np.float32), np.diff(matrix.indptr))
    matrix.data *= columns.astype(np.float32)[matrix.indices]


class ProductMean:
    """The mean of products `left @ right.T`, approximated as one product of few columns.

    A sum of more than `2 * width` columns is reduced to its best approximation of rank `width`, so that memory does not
    grow with the number of products.
    """

    def __init__(self, num_left: int, num_right: int, width: int):
        """Starts an empty sum of [num_left, num_right] matrices."""
        self._left, self._right = np.zeros((num_left, 0), np.float32), np.zeros((num_right, 0), np.float32)
        self._width, self._number = width, 0

    def add(self, left: np.ndarray, right: np.ndarray) -> None:
        """Adds a product of [num_left, k] and [num_right, k] float32."""
        self._left = np.concatenate([self._left, left], axis=1)
        self._right = np.concatenate([self._right, right], axis=1)
        self._number += 1
        if self._left.shape[1] > 2 * self._width:
            self._left, self._right = truncate(self._left, self._right, self._width)

    def factors(self, rank: int) -> tuple[np.ndarray, np.ndarray]:
        """Returns the mean as [num_left, k] and [num_right, k] float32, k <= rank."""
        return truncate(self._left, self._right / max(1, self._number), rank)


def truncate(left: np.ndarray, right: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Finds the best approximation of `left @ right.T` of a given rank (Eckart and Young, 1936) without forming it.

    Args:
      left: [m, k].
      right: [n, k].
      rank: rank of the result, which has fewer columns if k, m or n is below it.

    Returns:
      [m, rank] and [n, rank]; the columns of both have equal lengths.
    """
    left_basis, left_core = _qr(left)
    right_basis, right_core = _qr(right)
    first, values, second = np.linalg.svd(left_core @ right_core.T, full_matrices=False)
    root = np.sqrt(values[:rank])
    pairs = (left_basis, first[:, :rank] * root), (right_basis, second[:rank].T * root)
    cut_left, cut_right = (np.concatenate([block @ factor for block in basis]) for basis, factor in pairs)
    return cut_left, cut_right


def _qr(matrix: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Decomposes [m, k] into orthonormal columns, as blocks of rows, and [at most k, k]; in blocks to limit the memory.

    The blocks' triangles are decomposed in turn (TSQR; Demmel et al., "Communication-optimal Parallel and Sequential QR
    and LU Factorizations", 2012).
    """
    parts = [np.linalg.qr(block) for block in np.array_split(matrix, len(matrix) // _ROWS_AT_ONCE + 1)]
    bases, cores = [basis for basis, _ in parts], [core for _, core in parts]
    if len(parts) == 1:
        return bases, cores[0]
    rotations, core = np.linalg.qr(np.concatenate(cores))
    ends = np.cumsum([len(core) for core in cores])[:-1]
    return [basis @ rotation for basis, rotation in zip(bases, np.split(rotations, ends), strict=True)], core


def gram_matrix(columns: np.ndarray) -> np.ndarray:
    """Returns the products of [n, k] float32 columns, [k, k] float64: they are too similar for float32 sums."""
    blocks = np.array_split(columns, len(columns) // _ROWS_AT_ONCE + 1)
    return sum(block.T.astype(np.float64) @ block for block in blocks)
