import numpy as np
import pytest

from recommender.models.low_rank import leading_eigenvectors


def test_the_largest_eigenvalues_by_magnitude_come_in_descending_order() -> None:
    """A symmetric matrix with known eigenvalues, one of them negative, and many small ones."""
    basis = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0]
    eigenvalues = np.array([9.0, -7.0, 5.0, *np.full(37, 0.1)])
    values, vectors = leading_eigenvectors(
        lambda block: basis @ (eigenvalues[:, np.newaxis] * (basis.T @ block)), 40, 3
    )
    assert values == pytest.approx([9, 5, -7])
    assert np.abs(np.sum(vectors * basis[:, [0, 2, 1]], axis=0)) == pytest.approx(1.0)


def test_a_small_matrix_has_no_more_eigenvectors_than_rows() -> None:
    values, vectors = leading_eigenvectors(lambda block: 2 * block, 3, 8)
    assert values == pytest.approx([2, 2, 2]) and vectors.shape == (3, 3)
